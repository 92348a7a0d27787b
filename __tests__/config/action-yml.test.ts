import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { actionYml } from "../../src/config/action-yml.ts";

it("action.yml is what the tables of inputs and outputs give (npx node scripts/action-yml.ts)", () => {
  expect(readFileSync(join(import.meta.dirname, "../../action.yml"), "utf8")).toBe(actionYml());
});
