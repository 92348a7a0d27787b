/** Writes action.yml from the tables of inputs and outputs: `npx node scripts/action-yml.ts`; a test compares. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { actionYml } from "../src/config/action-yml.ts";

writeFileSync(join(import.meta.dirname, "..", "action.yml"), actionYml());
