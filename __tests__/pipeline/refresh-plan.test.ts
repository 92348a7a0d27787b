import { expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readFacts } from "../../src/config/facts.ts";
import { readConfig } from "../../src/config/read.ts";
import { prepare } from "../../src/pipeline/prepare.ts";
import { testPorts } from "../stores/ports.ts";

const now = Date.UTC(2026, 10, 29);

it.each([
  ["network.nsn.director.refresh=2026-11", "2026-11"],
  ["index:network.nsn.director.refresh={{date 'YYYY-MM'}}", "2026-11"],
  ["manifest:network.nsn.director.refresh=2026-11", undefined],
  ["other=2026-11", undefined],
])("a plan with the annotation %s is the refresh of %s", async (annotation, refresh) => {
  const environment = readEnvironment({ SOURCE_DATE_EPOCH: "0" }, "/nowhere");
  const given = new Map([
    ["image", "127.0.0.1:9/director"],
    ["annotations", annotation],
  ]);
  const config = readConfig((name) => given.get(name), environment);
  const ports = testPorts();
  const plan = prepare(config, await readFacts(environment, ports), now, ports.log);
  expect(plan.source.refresh).toBe(refresh);
});
