import type { Input } from "./input.ts";
import { inputs } from "./inputs.ts";
import { outputs } from "./outputs.ts";

/** Defaults that only a workflow can know. */
export const fromWorkflow: Readonly<Record<string, string>> = {
  "github-token": `\${{ github.token }}`,
};

/** The action's metadata file, from the tables of inputs and outputs (GitHub's documentation, "Metadata syntax"). */
export function actionYml(): string {
  const given = Object.entries<Input>(inputs).flatMap(([name, { description, default: value }]) => [
    `  ${name}:`,
    `    description: ${JSON.stringify(description)}`,
    ...defaultLines(fromWorkflow[name] ?? value),
  ]);
  const left = Object.entries(outputs).flatMap(([name, description]) => [
    `  ${name}:`,
    `    description: ${JSON.stringify(description)}`,
  ]);
  return [
    "# Written from src/config/inputs.ts and src/config/outputs.ts by scripts/action-yml.ts.",
    "name: Director image",
    "description: Builds, checks and publishes container images that carry large AI weights",
    "author: NSN",
    "branding:",
    "  icon: package",
    "  color: purple",
    "inputs:",
    ...given,
    "outputs:",
    ...left,
    "runs:",
    "  using: node24",
    "  main: dist/main/index.js",
    "  post: dist/post/index.js",
    "",
  ].join("\n");
}

function defaultLines(value: string): readonly string[] {
  if (!value.includes("\n")) return [`    default: ${JSON.stringify(value)}`];
  return ["    default: |-", ...value.split("\n").map((line) => `      ${line}`)];
}
