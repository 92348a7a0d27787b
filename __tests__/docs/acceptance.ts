import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AcceptResult } from "../../src/results/stages.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/acceptance.md"), "utf8");

/** The rows of the table below a mark, without its head. */
function table(mark: string): readonly (readonly string[])[] {
  const text = page.slice(page.indexOf(`<!-- ${mark} -->`)).split("\n\n")[0] ?? "";
  return text
    .split("\n")
    .slice(3)
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

/** The words that are written as code, but for the values that a field may have. */
export function namesOf(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

/** The fields of the result by their paths. */
export const documentedFields = new Map(
  table("fields").map(([path = "", is = ""]) => [path.replaceAll("`", ""), { is }]),
);

/** Names in `measured` and `limit` of each check. */
export const documentedFigures = new Map(
  table("figures").map(([check = "", ...cells]) => [
    check.replaceAll("`", ""),
    new Set(cells.flatMap(namesOf)),
  ]),
);

/** What a result has that the page does not name: paths of fields, and `CHECK: FIGURE`. */
export function undocumented(result: AcceptResult): readonly string[] {
  const fields = [...new Set(pathsIn(result))].filter((path) => !documentedFields.has(path));
  const figures = result.checks.flatMap(({ name, measured = {}, limit = {} }) =>
    Object.keys({ ...measured, ...limit })
      .filter((figure) => documentedFigures.get(name)?.has(figure) !== true)
      .map((figure) => `${name}: ${figure}`),
  );
  return [...fields, ...figures];
}

function pathsIn(value: unknown, at = ""): readonly string[] {
  if (Array.isArray(value)) return [`${at}[]`, ...value.flatMap((one) => pathsIn(one, `${at}[]`))];
  if (typeof value !== "object" || value === null)
    return at === "" || at.endsWith("[]") ? [] : [at];
  // What these hold is told by a table of their own.
  if (/\.(measured|limit)$|^inputs$/.test(at)) return [at];
  const inside = Object.entries(value).flatMap(([name, one]) =>
    pathsIn(one, at === "" ? name : `${at}.${name}`),
  );
  return at === "" || at.endsWith("[]") ? inside : [at, ...inside];
}
