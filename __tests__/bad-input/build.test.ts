import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { storeAt } from "../buildx/services.ts";
import { type Desk, openDesk, type Running, until } from "../commands/program.ts";
import { writeSpec } from "../commands/weights.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { refusal } from "./world.ts";

jest.setTimeout(120_000);

let desk: Desk;
let registry: RegistryProcess;
let place: string;
beforeAll(async () => {
  registry = await startRegistryProcess();
  place = `${registry.host}/nsn/director`;
  desk = await openDesk();
  await writeSpec(desk);
  const locked = await desk.cli(["models", "lock"]);
  if (locked.code !== 0) throw new Error(locked.stderr);
});
afterAll(async () => {
  await desk?.remove();
  await registry?.close();
});

const dockerfile = (line: string) =>
  `FROM ${service("TEST_BASES")}/base:bookworm AS runtime\nRUN mkdir -p /models\n${line}\nUSER 1000\n`;

/** The whole pipeline with this Dockerfile, by the remote driver. */
async function run(line: string, ...more: readonly string[]): Promise<Running> {
  await desk.write("Dockerfile.director", dockerfile(line));
  return desk.start([
    ...["run", "--json", "--image", place, "--platforms", "linux/amd64", "--cache", "none"],
    ...["--driver", "remote", "--driver-opts", `endpoint=${service("TEST_BUILDKIT_ADDR")}`],
    ...["--tags", "type=raw,value=latest", "--results", "results", "--acceptance", "off"],
    ...["--allow-untested", "a test", "--trivy-db", service("TEST_TRIVY_DB")],
    ...more,
  ]);
}

describe("a run that ends in the build", () => {
  it("since the Dockerfile fails names the step and its line, and a repeat completes", async () => {
    const said = await (await run("RUN echo before && exit 7")).ended;
    expect(said.code).toBe(1);
    expect(refusal(said)).toMatch(/Dockerfile\.director:3/);
    expect(said.stderr).toContain("RUN echo before && exit 7");
    expect(await storeAt(place).tags()).not.toContain("latest");
    expect(await readdir(desk.temporary)).toEqual([]);
    const again = await (await run("RUN echo right")).ended;
    expect({ code: again.code, stderr: again.code === 0 ? "" : again.stderr }).toMatchObject({
      code: 0,
    });
    expect(await storeAt(place).tags()).toContain("latest");
  });

  it("since no builder has the platform says so before it builds", async () => {
    const said = await (await run("", "--platforms", "windows/amd64")).ended;
    expect(said.code).toBe(3);
    expect(refusal(said)).toMatch(/cannot run windows\/amd64; it has linux\/amd64/);
  });

  it("since it was interrupted leaves no log-in and no folder, and a repeat completes", async () => {
    const { child, ended } = await run("RUN echo begun && sleep 60");
    let text = "";
    child.stderr?.on("data", (piece) => {
      text += piece;
    });
    await until("the step", () => text.includes("begun"));
    expect(await readdir(desk.temporary)).not.toEqual([]);
    child.kill("SIGTERM");
    const said = await ended;
    expect(said.code).toBe(143);
    expect(refusal(said)).toContain("Interrupted by SIGTERM.");
    expect(await readdir(desk.temporary)).toEqual([]);
    expect(existsSync(join(desk.folder, "results/assemble.json"))).toBe(false);
    expect((await (await run("RUN echo after")).ended).code).toBe(0);
  });

  it("keeps what else is in the results folder", async () => {
    await desk.write("results/mine.txt", "mine");
    const said = await (await run("RUN exit 1")).ended;
    expect(said.code).toBe(1);
    expect(existsSync(join(desk.folder, "results/mine.txt"))).toBe(true);
  });
});

describe("input that is unknown or contradicts itself", () => {
  it.each([
    ["a driver that is none", ["--driver", "podman"], /driver: "podman" is not what was wanted/],
    ["a remote driver without its place", ["--driver", "remote"], /endpoint=/],
    ["a platform twice", ["--platforms", "linux/amd64,linux/amd64"], /is there twice/],
    ["a lock that is not there", ["--models", "absent.json"], /absent\.json cannot be read/],
    ["a context that is not there", ["--context", "absent"], /absent/],
    ["a tag rule that is none", ["--tags", "type=nope"], /type=nope/],
    ["a user without a password", ["--registry-username", "me"], /registry-password/],
    ["results in the workspace itself", ["--results", "."], /results: "\."/],
  ])("%s is refused with exit code 2", async (_, args, says) => {
    const said = await desk.cli(["run", "--image", place, "--allow-untested", "x", ...args]);
    expect({ code: said.code, stderr: said.stderr }).toMatchObject({ code: 2 });
    expect(refusal(said)).toMatch(says);
  });
});
