import { afterAll, beforeAll, jest } from "@jest/globals";
import type { Results } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { type Said, scanning, type Workspace, workspace } from "./workspace.ts";

/** A registry and a workspace with its lock, for all tests of a file. */
export interface Piping {
  readonly registry: RegistryProcess;
  /** The repository that the pipeline publishes to. */
  readonly place: string;
  readonly made: Workspace;
  /** `run` by the remote driver, without acceptance: the images are no Directors. */
  run(...more: readonly string[]): Promise<Said>;
  /** The whole pipeline, which must succeed; every stage's result. */
  pipeline(...more: readonly string[]): Promise<Results>;
}

export function piping(): Piping {
  jest.setTimeout(300_000);
  let registry: RegistryProcess;
  let made: Workspace;
  beforeAll(async () => {
    registry = await startRegistryProcess();
    made = await workspace();
    const locked = await made.cli("models", "lock");
    if (locked.code !== 0) throw new Error(locked.stderr);
  });
  afterAll(async () => {
    await made.remove();
    await registry.close();
  });
  const place = () => `${registry.host}/nsn/director`;
  const run: Piping["run"] = (...more) =>
    made.cli(
      "run",
      "--image",
      place(),
      "--driver",
      "remote",
      "--driver-opts",
      `endpoint=${service("TEST_BUILDKIT_ADDR")}`,
      ...["--acceptance", "off", "--allow-untested", "a test", ...scanning()],
      ...more,
    );
  return {
    get registry() {
      return registry;
    },
    get place() {
      return place();
    },
    get made() {
      return made;
    },
    run,
    pipeline: async (...more) => {
      const tags = ["--tags", "type=raw,value=latest"];
      const said = await run("--json", ...tags, "--results", `${made.folder}/results`, ...more);
      if (said.code !== 0) throw new Error(said.stderr);
      return JSON.parse(said.stdout) as Results;
    },
  };
}
