import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { type AcceptResult, acceptResult } from "../../src/results/stages.ts";
import { documentedFigures, undocumented } from "../docs/acceptance.ts";
import { type Built, buildDirector } from "./director.ts";
import { miniatureLock, pullMiniature } from "./miniature.ts";
import { run } from "./workspace.ts";

jest.setTimeout(300_000);

let folder = "";
let models = "";
let built: Built;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "accept-result-"));
  models = await pullMiniature(folder);
  built = await buildDirector();
}, 900_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it("The JSON of a run has what docs/acceptance.md names, and nothing else", async () => {
  const said = await run(
    join("node_modules", ".bin", "node"),
    [
      ...["src/cli.ts", "accept", "--process", built.program, "--models-path", models],
      ...["--lock", miniatureLock, "--json", "--gpu", "off", "--results", folder],
    ],
    undefined,
    { ...built.env, RUNNER_TEMP: folder },
  );
  expect(said.code === 0 ? "" : said.stdout + said.stderr).toBe("");
  const result: AcceptResult = acceptResult.parse(JSON.parse(said.stdout));
  expect(undocumented(result)).toEqual([]);
  expect(JSON.parse(await readFile(join(folder, "accept.json"), "utf8"))).toEqual(result);
  const seen = (name: string) =>
    Object.keys(result.checks.find((check) => check.name === name)?.measured ?? {});
  for (const name of ["models", "health", "metrics", "grpc", "p2p", "shutdown", "restart"])
    expect([name, ...seen(name)].toSorted()).toEqual(
      [name, ...(documentedFigures.get(name) ?? [])].toSorted(),
    );
});

it("a field that the page does not name is seen", () => {
  const check = { name: "restart", verdict: "passed", seconds: 1, measured: { odd: 1 } } as const;
  expect(
    undocumented({
      ...{ digest: `sha256:${"a".repeat(64)}`, platform: "", target: "process" },
      ...{ verdict: "passed", checks: [{ ...check, other: 1 }], strange: true },
    }),
  ).toEqual(["checks[].other", "strange", "restart: odd"]);
});
