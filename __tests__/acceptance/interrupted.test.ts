import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { type Desk, openDesk, type Running } from "../commands/program.ts";
import { attempt, docker } from "../dockerfile/docker.ts";
import { service } from "../fakes/service.ts";
import { leftOf } from "./labelled.ts";

jest.setTimeout(240_000);

const slow = join(import.meta.dirname, "slow");
const weights = '{"a":1}\n';
const file = { path: "a.json", size: weights.length, sha256: digestOf(weights).slice(7) };
const lock = {
  ...{ version: 1, root: "/models" },
  models: [
    {
      ...{ name: "one", title: "One", delivery: "bake", license: "mit" },
      ...{ source: { url: "https://hub.invalid/one/" }, files: [file] },
    },
  ],
};

let desk: Desk;
const images: string[] = [];
beforeAll(async () => {
  desk = await openDesk();
  for (const name of ["Dockerfile", "node.py"])
    await copyFile(join(slow, name), await desk.write(`context/${name}`, ""));
  await desk.write("context/a.json", weights);
  await desk.write("context/models.lock.json", JSON.stringify(lock));
});
afterAll(async () => {
  for (const image of images) await attempt("image", "rm", "--force", image);
  await desk.remove();
});

/** Builds the image into a layout; gives its reference and the name that it will have in Docker. */
async function candidate(place: string) {
  const layout = join(desk.folder, place);
  await docker(
    ...["buildx", "build", "--quiet", "--provenance", "false"],
    ...[
      "--build-arg",
      `BASE=${service("TEST_BASES")}/base:bookworm`,
      "--build-arg",
      `SLOW=${place}`,
    ],
    ...["--output", `type=oci,dest=${layout},tar=false,oci-mediatypes=true`],
    join(desk.folder, "context"),
  );
  const { manifests } = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  const [, hex = ""] = manifests[0].digest.split(":");
  const image = `director-image-candidate:${hex.slice(0, 12)}`;
  images.push(image);
  return { reference: `oci:${layout}@sha256:${hex}`, image };
}

/** What follows a run's own part in the names of an image's containers, and the run's id. */
async function containersOf(image: string) {
  const listed = await docker("ps", "--filter", `ancestor=${image}`, "--format", "{{.Names}}");
  return listed.split("\n").map((name) => {
    const [, id = "", what = ""] = /^director-image-([0-9a-f]{12})-(.*)$/.exec(name) ?? [];
    return { name, id, what };
  });
}

/** Waits until something is so; an error with what the run said if it ends before. */
async function until(running: Running, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    const ended = await Promise.race([running.ended, setTimeout(50)]);
    if (ended !== undefined) throw new Error(`The run has ended: ${ended.stderr}`);
  }
}

type Moment = (image: string) => Promise<boolean>;
const runs =
  (wanted: string): Moment =>
  async (image) =>
    (await containersOf(image)).some(({ what }) => what === wanted);
const asked: Moment = async (image) => {
  const node = (await containersOf(image)).find(({ what }) => what === "node");
  return node !== undefined && (await attempt("logs", node.name)).said.includes("a slot is asked");
};

describe("an acceptance that is interrupted", () => {
  it.each<[string, string, "SIGINT" | "Ctrl-C", Moment]>([
    ["du is at work", "du", "SIGINT", runs("du")],
    ["weights are hashed", "find", "SIGINT", runs("find")],
    ["weights are hashed", "find", "Ctrl-C", runs("find")],
    ["the node starts", "startup", "SIGINT", runs("node")],
    ["a slot is under way", "slots", "SIGINT", asked],
    ["a slot is under way", "slots", "Ctrl-C", asked],
  ])("while %s (%s) by %s leaves nothing after ten seconds", async (_, place, how, moment) => {
    const { reference, image } = await candidate(place);
    await desk.write("models.lock.json", JSON.stringify(lock));
    const limits = ["--acceptance-cpus", "1", "--acceptance-memory", "256m", "--gpu", "off"];
    const args = ["accept", reference, "--lock", "models.lock.json", "--json", ...limits];
    const running = desk.start(args, {}, { detached: true });
    await until(running, () => moment(image));
    const [{ name, id } = { name: "", id: "" }] = await containersOf(image);
    expect(await leftOf(id)).toContain(name);
    const begun = Date.now();
    process.kill((how === "Ctrl-C" ? -1 : 1) * (running.child.pid ?? 0), "SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect({ code, stdout, left: await leftOf(id) }).toEqual({ code: 130, stdout: "", left: [] });
    expect(stderr).toMatch(/Interrupted by SIGINT\./);
    expect(stderr).not.toMatch(/warning|is left/);
  });
});
