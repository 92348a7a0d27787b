import { UsageError } from "../errors.ts";

/** The lines that say something: without empty ones and comments, which begin with # (elsewhere it is a character like others). */
export function meaningful(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

/**
 * The fields of one line of comma-separated values: `type=raw,"value=a,b"`. A field that begins with a quote ends with one, and a quote in it
 * is written twice. A UsageError names the line.
 */
export function fields(line: string, input: string): readonly string[] {
  const found: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"|([^",][^,]*|))\s*(,|$)/y;
  while (field.lastIndex <= line.length) {
    const match = field.exec(line);
    if (match === null)
      throw new UsageError(
        `${input}: "${line}" has a quote that is not closed, or text after one.`,
        {
          todo: 'A field with a comma stands in quotes as a whole: type=match,"pattern=\\d{1,3}".',
        },
      );
    found.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? "").trim());
    if (match[3] === "") break;
  }
  return found;
}

/** `key=value` split at the first equals sign; a field without one has no key. */
export function keyValue(field: string): readonly [key: string | undefined, value: string] {
  const at = field.indexOf("=");
  return at === -1
    ? [undefined, field.trim()]
    : [field.slice(0, at).trim(), field.slice(at + 1).trim()];
}
