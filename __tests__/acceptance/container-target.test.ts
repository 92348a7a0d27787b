import { setTimeout } from "node:timers/promises";
import { describe, expect, it, jest } from "@jest/globals";
import { groupOf } from "../../src/acceptance/container-proc.ts";
import { clockAhead } from "../../src/acceptance/container-target.ts";
import { exec } from "../../src/host/exec.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { docker } from "../dockerfile/docker.ts";
import { leftOf } from "./labelled.ts";
import { images, ports, targetOf, waiting, wanted, warnings } from "./waits.ts";

jest.setTimeout(120_000);

waiting();

describe("a node in a container", () => {
  it("dials nobody but who it is told to, whatever its image has for peers", async () => {
    const { target } = await targetOf(images.debian);
    const node = await target.start(wanted);
    while ((await node.logs()).length === 0) await setTimeout(50);
    expect(await node.logs()).toMatchObject([{ text: "peers=[]" }]);
  });

  it("is never pulled, and says why it was refused", async () => {
    const { target } = await targetOf("director-image-test/nowhere:latest");
    const { running, error } = await (await target.start(wanted)).state();
    expect(running).toBe(false);
    expect(error).toMatch(/No such image: director-image-test\/nowhere:latest/);
  });

  it("writes its log where it is read, and its anonymous volumes go with it", async () => {
    const { id, target } = await targetOf(images.debian);
    const node = await target.start(wanted);
    const name = `director-image-${id}-node`;
    const format = "{{.HostConfig.LogConfig.Type}} {{range .Mounts}}{{.Name}} {{end}}";
    const [driver, ...volumes] = (await docker("inspect", "--format", format, name)).split(" ");
    expect(driver).toBe("json-file");
    expect(volumes).toContain(`${name}-data`);
    expect(volumes.length).toBe(2);
    await node.remove();
    const left = (await docker("volume", "ls", "--quiet")).split("\n");
    expect(volumes.filter((volume) => left.includes(volume))).toEqual([]);
    expect(await node.logs()).toMatchObject([{ text: "peers=[]" }]);
    await node.remove();
  });

  it("is seen with a process that has ended and that nobody has waited for", async () => {
    const { target } = await targetOf(images.debian);
    const node = await target.start(wanted);
    await node.exec("sh", "-c", "sleep 0.1 & exit 0");
    const zombies = async () => (await node.processes()).filter(({ zombie }) => zombie);
    for (const until = Date.now() + 10_000; Date.now() < until; await setTimeout(100))
      if ((await zombies()).length > 0) break;
    expect(await zombies()).toMatchObject([{ name: "sleep", users: [1000, 1000, 1000, 1000] }]);
  });

  it("tells whether it was sent a signal, until it is started again", async () => {
    const { target } = await targetOf(images.debian);
    const node = await target.start(wanted);
    expect(await node.state()).toMatchObject({ running: true, signalled: false });
    await node.signal("SIGKILL");
    while ((await node.state()).running) await setTimeout(50);
    expect(await node.state()).toMatchObject({ exitCode: 137, signalled: true });
    await node.restart();
    expect(await node.state()).toMatchObject({ running: true, signalled: false });
  });

  it("tells all times by this machine's clock, also where its engine's is an hour ahead", async () => {
    const hour = 3_600_000;
    const later = (text: string) =>
      text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
        new Date(Date.parse(time) + hour).toISOString(),
      );
    const ahead: Exec = async (...args) => {
      const said = await exec(...args);
      return { ...said, stdout: later(said.stdout), stderr: later(said.stderr) };
    };
    const { target } = await targetOf(images.debian, { exec: ahead });
    const node = await target.start(wanted);
    await node.signal("SIGKILL");
    while ((await node.state()).running) await setTimeout(50);
    for (const at of [(await node.state()).ended, (await node.logs())[0]?.at, node.started])
      expect(Math.abs(Date.now() - (at ?? 0))).toBeLessThan(20_000);
  });

  it.each(Object.entries(images))("is seen from this machine, image: %s", async (_, image) => {
    const { target } = await targetOf(image);
    const node = await target.start(wanted);
    const processes = await node.processes();
    expect(
      processes.map(({ name, users, noNewPrivileges }) => [name, new Set(users), noNewPrivileges]),
    ).toEqual([["sleep", new Set([1000]), true]]);
    expect((await node.usage())?.memoryPeakBytes).toBeGreaterThan(0);
  });

  it("is seen by its own shell where its engine's machine is another", async () => {
    const { target } = await targetOf(images.debian, withoutProc());
    const node = await target.start(wanted);
    expect((await node.processes()).map(({ name }) => name)).toContain("sleep");
    expect((await node.usage())?.memoryPeakBytes).toBeGreaterThan(0);
  });

  it("says what its image lacks to be seen there", async () => {
    const { target } = await targetOf(images.bare, withoutProc());
    const node = await target.start(wanted);
    await expect(node.processes()).rejects.toThrow(
      "Its processes cannot be seen: they run on another machine, and the image has no sh.",
    );
    expect(await node.usage()).toBeUndefined();
  });
});

/** An engine on another machine: the numbers of its processes mean nothing here. */
function withoutProc() {
  const readFile = async () => "0::/init.scope\n";
  return {
    files: { ...ports.files, readFile: readFile as unknown as typeof ports.files.readFile },
  };
}

describe("an image", () => {
  it("tells the hashes of its weights", async () => {
    const { target } = await targetOf(images.debian);
    expect([...(await target.weights())]).toEqual([
      ["a.bin", "1b465fa6b6bcbc06a3199e3d2d8aec35d37494a712f888b6d5536684dd89d0f0"],
    ]);
  });

  it("says what it lacks for that", async () => {
    const { target } = await targetOf(images.bare);
    await expect(target.weights()).rejects.toThrow(
      "The weights that are there cannot be hashed: the image has no find.",
    );
    expect((await target.image())?.bytesWithoutModels).toBeUndefined();
  });
});

describe("a signal", () => {
  it("ends what runs in a node, and nothing is asked of the node any more", async () => {
    const { target } = await targetOf(images.debian);
    const stop = new AbortController();
    const node = await target.start(wanted);
    const seen = node.under(stop.signal);
    const reason = new Error("the check's time is over");
    globalThis.setTimeout(() => stop.abort(reason), 1_000);
    const begun = Date.now();
    await expect(seen.exec("sleep", "600")).rejects.toBe(reason);
    expect(Date.now() - begun).toBeLessThan(6_000);
    await expect(seen.signal("SIGKILL")).rejects.toBe(reason);
    expect((await node.state()).running).toBe(true);
  });

  it.each([0, 50, 100, 150, 200, 300, 400, 500, 700, 1_000])(
    "that comes %i ms after a start leaves nothing of it",
    async (milliseconds) => {
      const stop = new AbortController();
      const { id, target } = await targetOf(images.debian, { signal: stop.signal });
      const starting = target.start(wanted).catch(() => undefined);
      await setTimeout(milliseconds);
      stop.abort(new Error("stopped"));
      await target.close();
      await starting;
      await setTimeout(1_000);
      expect(await leftOf(id)).toEqual([]);
    },
  );
});

it("what a killed docker asked for may come after the first look, and is taken away all the same", async () => {
  const stop = new AbortController();
  let came = false;
  const late: Exec = async (command, args, options) => {
    const said = await exec(command, args, options);
    const filter = args.find((arg) => arg.startsWith("label="));
    if (args[0] === "network" && args[1] === "ls" && !came) {
      came = true;
      await docker("create", "--label", filter?.slice("label=".length) ?? "", images.bare);
    }
    return said;
  };
  const { id, target } = await targetOf(images.bare, { signal: stop.signal, exec: late });
  stop.abort(new Error("stopped"));
  await target.close();
  expect({ came, left: await leftOf(id) }).toEqual({ came: true, left: [] });
});

it("what Docker does not let go of is a warning", async () => {
  const { id, target } = await targetOf(images.debian);
  const network = `director-image-${id}`;
  const [other, ...flags] = [`${network}-foreign`, "--network", network, "--pull", "never"];
  await docker("run", "--detach", "--name", other ?? "", ...flags, images.debian);
  await target.close();
  expect(warnings.splice(0)).toEqual([
    expect.stringMatching(
      new RegExp(`is left \\(label .*${id}\\): .*network ${network} .*has active endpoints`),
    ),
  ]);
  await docker("rm", "--force", "--volumes", other ?? "");
});

it.each([
  ["between the two moments is right", 1_500, 0],
  ["later than both is ahead of the second", 5_000, 3_000],
  ["earlier than both is behind the first", 400, -600],
])("a clock that reads a time %s", (_, at, ahead) => {
  expect(clockAhead(at, { before: 1_000, after: 2_000 })).toBe(ahead);
});

it.each([
  ["version 1", `9:name=systemd:/docker/${"a".repeat(64)}\n0::/docker/${"a".repeat(64)}\n`, true],
  ["version 2", `0::/system.slice/docker-${"a".repeat(64)}.scope\n`, true],
  ["another container", `0::/docker/${"b".repeat(64)}\n`, false],
  ["none", "", false],
])("the control group of %s", (_, text, own) => {
  expect(groupOf(text, "a".repeat(64))).toBe(
    own ? text.split("\n")[0]?.split(":").slice(2).join(":") : undefined,
  );
});
