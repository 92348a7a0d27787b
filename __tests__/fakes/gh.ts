import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What `gh` says to a call; the last one is said again and again. */
export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
}

/** A call of `gh`: its arguments, and what came on its standard input (empty on a terminal or `/dev/null`). */
interface Call {
  readonly args: readonly string[];
  readonly stdin: string;
}

/**
 * A program `gh` that notes how it is called and answers by the beginning of its arguments, joined by blanks; the first rule that
 * fits counts. What no rule fits fails with status 1, as an unknown command does.
 */
export function standInGh(folder: string, rules: Readonly<Record<string, readonly Answer[]>>) {
  const bin = join(folder, "bin");
  const calls = join(folder, "calls.jsonl");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(folder, "rules.json"), JSON.stringify(rules));
  writeFileSync(join(bin, "gh"), program(process.execPath, folder));
  chmodSync(join(bin, "gh"), 0o755);
  return {
    /** To be put before PATH. */
    bin,
    calls: (): readonly Call[] =>
      existsSync(calls)
        ? readFileSync(calls, "utf8")
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line))
        : [],
  };
}

function program(node: string, folder: string): string {
  return `#!${node}
const { appendFileSync, readFileSync, existsSync, writeFileSync } = require("node:fs");
const at = ${JSON.stringify(folder)};
const args = process.argv.slice(2);
const reads = args.includes("-") || args.includes("--input");
appendFileSync(at + "/calls.jsonl", JSON.stringify({ args, stdin: reads ? readFileSync(0, "utf8") : "" }) + "\\n");
const rules = JSON.parse(readFileSync(at + "/rules.json", "utf8"));
const rule = Object.keys(rules).find((beginning) => args.join(" ").startsWith(beginning));
if (rule === undefined) {
  process.stderr.write("unknown command " + JSON.stringify(args.join(" ")) + " for \\"gh\\"\\n");
  process.exit(1);
}
const counter = at + "/count-" + encodeURIComponent(rule).slice(0, 200);
const count = existsSync(counter) ? Number(readFileSync(counter, "utf8")) : 0;
writeFileSync(counter, String(count + 1));
const answers = rules[rule];
const { stdout = "", stderr = "", status = 0 } = answers[Math.min(count, answers.length - 1)];
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = status;
`;
}
