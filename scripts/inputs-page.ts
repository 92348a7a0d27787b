/** Writes the tables of docs/inputs.md from the table of inputs: `npx node scripts/inputs-page.ts`; a test compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTables } from "../src/config/inputs-page.ts";

const page = join(import.meta.dirname, "..", "docs/inputs.md");
writeFileSync(page, withTables(readFileSync(page, "utf8")));
