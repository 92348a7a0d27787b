import { mkdir, readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { files } from "../../src/host/files.ts";
import { aloneIn } from "../../src/pipeline/alone.ts";
import { writeResult } from "../../src/results/folder.ts";
import { results } from "../report/results.ts";
import { testPorts } from "../stores/ports.ts";
import { type Desk, openDesk } from "./program.ts";

jest.setTimeout(60_000);

let desk: Desk;
let folder: string;

beforeEach(async () => {
  desk = await openDesk();
  folder = join(desk.folder, "mine");
  await mkdir(folder);
});
afterEach(() => desk.remove());

/** A run that is refused once prepare has succeeded, since nobody says why it may be published untested. */
const run = (...more: readonly string[]) =>
  desk.cli([
    ...["run", "--image", "127.0.0.1:9/director", "--results", "mine", "--acceptance", "off"],
    ...more,
  ]);
const untested = "nothing is published";

const names = async () => [...(await readdir(folder))].sort();

/** What a build that pushed nothing left, and the image of it. */
async function leaveEarlierRun(repository = "oci:runtime-linux-amd64") {
  const { prepare, models, assemble, build } = results;
  for (const [name, result] of Object.entries({ prepare, models, assemble }))
    await writeResult(files, folder, name, result ?? {});
  await writeResult(files, folder, "build-linux-amd64", { ...build[0], repository });
  await desk.write("mine/runtime-linux-amd64/index.json", "{}");
}

describe("a run in a folder that holds other things", () => {
  it("leaves a models spec alone, which has the name of a result, and says so", async () => {
    const spec = JSON.stringify({ version: 1, root: "/models", models: [] });
    await desk.write("mine/models.json", spec);
    await desk.write("mine/build-notes.json", "[]");
    const said = await run();
    expect(said).toMatchObject({ code: 2, stdout: "" });
    expect(said.stderr).toMatch(/mine\/(models|build-notes)\.json is not what an earlier run left/);
    expect(await names()).toEqual(["build-notes.json", "models.json"]);
    expect(await readFile(join(folder, "models.json"), "utf8")).toBe(spec);
  });

  it("takes away nothing that only looks like its own", async () => {
    for (const path of ["report-2026.json", "runtime-notes/a", "runtime/b", "models.lock.json"])
      await desk.write(`mine/${path}`, "mine");
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining(untested) });
    expect(await names()).toEqual([
      ...["models.lock.json", "prepare.json", "report-2026.json", "runtime", "runtime-notes"],
    ]);
    for (const path of ["runtime-notes/a", "runtime/b"])
      expect(await readFile(join(folder, path), "utf8")).toBe("mine");
  });

  it("leaves results alone whose plan is not there", async () => {
    await writeResult(files, folder, "build", results.build[0] ?? {});
    expect(await run()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("mine/build.json is there without the prepare.json"),
    });
    expect(await names()).toEqual(["build.json"]);
  });
});

describe("a run after another one in the same folder", () => {
  it("takes away the results before, and the layout that they name", async () => {
    await leaveEarlierRun();
    await desk.write("mine/runtime-other/a", "mine");
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining(untested) });
    expect(await names()).toEqual(["prepare.json", "runtime-other"]);
  });

  it("goes nowhere else for a layout", async () => {
    await leaveEarlierRun("oci:../kept");
    await desk.write("kept/a", "mine");
    await run();
    expect(await readFile(join(desk.folder, "kept/a"), "utf8")).toBe("mine");
  });

  it("takes away nothing if it cannot even be prepared", async () => {
    await leaveEarlierRun();
    const before = await names();
    const said = await run("--tags", "type=nonsense");
    expect(said.code).toBe(2);
    expect(said.stderr).not.toContain(untested);
    expect(await names()).toEqual(before);
  });
});

describe("two runs in one folder", () => {
  it("are one after the other: the second is refused and touches nothing", async () => {
    await leaveEarlierRun();
    const before = await names();
    for (const args of [["run"], ["build", "--platforms", "linux/amd64"]]) {
      const said = await aloneIn(
        folder,
        () => desk.cli([...args, "--image", "127.0.0.1:9/director", "--results", "mine"]),
        testPorts(),
      );
      expect(said).toMatchObject({ code: 3, stdout: "" });
      expect(said.stderr).toMatch(/Another run \(.*\.\d+\) is using the results folder/);
    }
    expect(await names()).toEqual(before);
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining(untested) });
  });

  it("do not wait for one that was killed", async () => {
    const { child, ended } = desk.start(["--version"]);
    await ended;
    await desk.write("mine/.run", `${child.pid}.${hostname().replace(/[^A-Za-z0-9-]/g, "-")}.1`);
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining(untested) });
    expect(await names()).toEqual(["prepare.json"]);
  });
});
