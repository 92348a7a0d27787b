import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What `gh` says to a call; the last one is said again and again. */
export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
}

/** A call of `gh`: its arguments, and what came on its standard input where an argument says that it reads it. */
interface Call {
  readonly args: readonly string[];
  readonly stdin: string;
}

/**
 * A program `gh` that notes how it is called and answers by the beginning of its arguments, joined by blanks; the first rule that
 * fits counts. What no rule fits fails with status 1, as an unknown command does. (In Bash, since scripts call it dozens of times.)
 */
export function standInGh(folder: string, rules: Readonly<Record<string, readonly Answer[]>>) {
  const bin = join(folder, "bin");
  const state = join(folder, "gh");
  rmSync(state, { recursive: true, force: true });
  for (const one of [bin, state]) mkdirSync(one, { recursive: true });
  for (const [rule, answers] of Object.values(rules).entries())
    for (const [count, { stdout = "", stderr = "", status = 0 }] of answers.entries()) {
      const answer = join(state, `${rule}.${count}`);
      writeFileSync(`${answer}.out`, stdout);
      writeFileSync(`${answer}.err`, stderr);
      writeFileSync(`${answer}.status`, `${status}\n`);
    }
  writeFileSync(join(bin, "gh"), program(state, Object.entries(rules)));
  chmodSync(join(bin, "gh"), 0o755);
  return {
    /** To be put before PATH. */
    bin,
    calls: (): readonly Call[] => callsIn(join(state, "calls")),
  };
}

function callsIn(file: string): readonly Call[] {
  if (!existsSync(file)) return [];
  const words = readFileSync(file, "utf8").split("\0");
  const calls: Call[] = [];
  for (let at = 0; at < words.length - 1; ) {
    const count = Number(words[at]);
    const args = words.slice(at + 1, at + 1 + count);
    calls.push({ args, stdin: words[at + 1 + count] ?? "" });
    at += count + 2;
  }
  return calls;
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function program(state: string, rules: readonly (readonly [string, readonly Answer[]])[]): string {
  const cases = rules.map(
    ([beginning, answers], rule) =>
      `${quoted(beginning)}*) rule=${rule} last=${answers.length - 1} ;;`,
  );
  return `#!/usr/bin/env bash
cd ${quoted(state)} || exit 70
stdin=
for argument in "$@"; do
  if [[ $argument == - || $argument == --input ]]; then stdin="$(cat; printf .)"; stdin="\${stdin%.}"; break; fi
done
printf '%s\\0' "$#" "$@" "$stdin" >>calls
case "$*" in
${cases.join("\n")}
*) printf 'unknown command "%s" for "gh"\\n' "$*" >&2; exit 1 ;;
esac
count=0
[[ ! -f $rule.count ]] || read -r count <"$rule.count"
printf '%s\\n' "$((count + 1))" >"$rule.count"
((count < last)) || count=$last
cat "$rule.$count.out"
cat "$rule.$count.err" >&2
read -r status <"$rule.$count.status"
exit "$status"
`;
}
