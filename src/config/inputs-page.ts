import { UsageError } from "../errors.ts";
import { fromWorkflow } from "./action-yml.ts";
import type { Input } from "./input.ts";
import { type InputName, inputs } from "./inputs.ts";

const group = /<!-- inputs: ([a-z -]+) -->\n(?:.*\n)*?<!-- end -->/g;

/** A page in which the table after each `<!-- inputs: name name -->` is that of the table of inputs; a UsageError where one is unknown, twice or missing. */
export function withTables(page: string): string {
  const shown = [...page.matchAll(group)].flatMap(([, names = ""]) => names.split(" "));
  const wrong = [
    ...shown.filter((name, at) => !(name in inputs) || shown.indexOf(name) !== at),
    ...Object.keys(inputs).filter((name) => !shown.includes(name)),
  ];
  if (wrong.length > 0)
    throw new UsageError(`The page has not exactly one row for these inputs: ${wrong.join(", ")}.`);
  return page.replace(
    group,
    (_, names: string) =>
      `<!-- inputs: ${names} -->\n${table(names.split(" ") as InputName[])}<!-- end -->`,
  );
}

function table(names: readonly InputName[]): string {
  const rows = names.map((name) => {
    const input: Input = inputs[name];
    return [code(name), valuesOf(input), defaultOf(name), `${prose(input.description)}.`];
  });
  return [["input", "value", "default", "meaning"], ["---", "---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`)
    .join("");
}

function valuesOf({ value, lines }: Input): string {
  const choices = value.split("|").map((choice) => (choice === value ? value : code(choice)));
  return `${choices.join(", ")}${lines === true ? ", …" : ""}`;
}

function defaultOf(name: InputName): string {
  const value = fromWorkflow[name] ?? inputs[name].default;
  return value === "" ? "" : value.split("\n").map(code).join("<br>");
}

function prose(text: string): string {
  return text.replaceAll("<", "&lt;");
}

function code(text: string): string {
  return `\`${text}\``;
}
