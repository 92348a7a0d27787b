import { UsageError } from "../errors.ts";

/**
 * Lists as docker/build-push-action reads them: comma-separated values (RFC 4180), one record a line. A field in quotes may hold commas,
 * lines and quotes (written twice); a quote elsewhere, or with text behind its end, is a character like others. Blank lines, and those that
 * begin with #, are left out. A quote that is not closed is a UsageError without the text, which may be a secret.
 */
interface Row {
  readonly fields: readonly string[];
  readonly text: string;
}

/**
 * One entry a line; one that stands in quotes as a whole may have several. Commas mean nothing: what is not quoted as a whole stays as it is
 * written (`type=local,"src=/a,b"`, `LIST=["a","b"]`).
 */
export function entries(name: string, text: string): readonly string[] {
  return rows(name, text)
    .map(({ fields, text: written }) => (fields.length === 1 ? fields[0] : written)?.trim() ?? "")
    .filter((entry) => entry !== "");
}

/** Entries separated by commas or lines. */
export function items(name: string, text: string): readonly string[] {
  return rows(name, text)
    .flatMap(({ fields }) => fields.map((field) => field.trim()))
    .filter((item) => item !== "");
}

/** The values of `ID=VALUE` entries, also of a text that cannot be read: they are masked before anything is checked. */
export function secretValues(name: string, text: string): readonly string[] {
  let found: readonly string[];
  try {
    found = entries(name, text);
  } catch {
    found = text.split("\n");
  }
  return found.map((entry) => entry.slice(entry.indexOf("=") + 1).trim());
}

const between = /(?:\s|#[^\n]*(?:\n|$))*/y;
const quoted = /"([^"]*(?:""[^"]*)*)"[ \t]*(,|\r?\n|$)/y;
const open = /"[^"]*(?:""[^"]*)*$/y;
const plain = /((?:"[^"]*(?:""[^"]*)*")?[^,\r\n]*)(,|\r?\n|\r|$)/y;

function rows(name: string, text: string): readonly Row[] {
  const found: Row[] = [];
  for (let at = after(between, text, 0); at < text.length; at = after(between, text, at)) {
    const begin = at;
    const fields: string[] = [];
    for (let end = ","; end === ","; ) {
      if (at < text.length && match(open, text, at) !== null) throw notClosed(name, found.length);
      const [whole = "", field = "", stop = ""] = read(text, at);
      fields.push(field);
      at += whole.length;
      end = stop;
    }
    found.push({ fields, text: text.slice(begin, at).trim() });
  }
  return found;
}

function read(text: string, at: number): readonly string[] {
  const [whole = "", field = "", end = ""] = match(quoted, text, at) ?? [];
  return whole === "" ? (match(plain, text, at) ?? []) : [whole, field.replaceAll('""', '"'), end];
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function after(pattern: RegExp, text: string, at: number): number {
  return at + (match(pattern, text, at)?.[0].length ?? 0);
}

function notClosed(name: string, before: number): UsageError {
  return new UsageError(
    `${name}: entry ${before + 1} has a quote that is not closed (it is not shown here).`,
    {
      todo: 'An entry of several lines stands in quotes as a whole, and a quote inside it is written twice: "ID=line 1⏎line 2".',
    },
  );
}
