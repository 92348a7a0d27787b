import { join, resolve } from "node:path";
import { measured, type Usage } from "./process.ts";
import type { Bench } from "./row.ts";

export const root = join(import.meta.dirname, "..");

/** Runs the command line, as people have it: the bundle, by this Node.js. */
export function director(
  { options }: Pick<Bench, "options">,
  args: readonly string[],
  cwd = root,
): Promise<Usage> {
  const program = resolve(root, options.dist, "cli/index.js");
  return measured(process.execPath, [program, ...args], { cwd });
}
