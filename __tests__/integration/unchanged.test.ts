import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { AssembleResult } from "../../src/results/stages.ts";
import { service } from "../fakes/service.ts";
import { piping } from "./piping.ts";
import { scanning } from "./workspace.ts";

jest.setTimeout(300_000);

const given = piping();
const stands = "the runtime of the run before stands";

describe.each([
  ["a registry", () => given.place, "registry"],
  ["a layout", () => `oci:${given.made.folder}/layout`, "layout"],
])("a run to %s", (_, image, name) => {
  const results = () => join(given.made.folder, `results-of-${name}`);
  const run = async () => {
    const said = await given.made.cli(
      ...["run", "--json", "--image", image(), "--driver", "remote"],
      ...["--driver-opts", `endpoint=${service("TEST_BUILDKIT_ADDR")}`, "--results", results()],
      ...["--tags", "type=raw,value=latest", "--force", "--acceptance", "off"],
      ...["--allow-untested", "a test", ...scanning()],
    );
    if (said.code !== 0) throw new Error(said.stderr);
    const { assemble } = JSON.parse(said.stdout) as { assemble: AssembleResult };
    return { digest: assemble.digest, stood: said.stderr.includes(stands) };
  };
  let first: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    await given.made.write("version", "1\n");
    first = await run();
  });

  it("does not export again what did not change", async () => {
    expect(first.stood).toBe(false);
    expect(await run()).toEqual({ digest: first.digest, stood: true });
  });

  it("exports what changed, and what changed back", async () => {
    await given.made.write("version", "2\n");
    const second = await run();
    expect(second.stood).toBe(false);
    expect(second.digest).not.toBe(first.digest);
    expect(await run()).toEqual({ ...second, stood: true });
    await given.made.write("version", "1\n");
    expect(await run()).toEqual(first);
  });

  it("exports again where the run before left nothing that is still there", async () => {
    await rm(results(), { recursive: true });
    expect(await run()).toEqual(first);
  });
});

it("what a layout lacks of the run before is exported again", async () => {
  const results = join(given.made.folder, "results-of-layout");
  await rm(join(results, "runtime", "blobs"), { recursive: true });
  const said = await given.made.cli(
    ...["run", "--image", `oci:${given.made.folder}/layout`, "--driver", "remote"],
    ...["--driver-opts", `endpoint=${service("TEST_BUILDKIT_ADDR")}`, "--results", results],
    ...["--tags", "type=raw,value=latest", "--acceptance", "off", "--allow-untested", "a test"],
    ...scanning(),
  );
  expect(said).toMatchObject({ code: 0, stderr: expect.not.stringContaining(stands) });
});
