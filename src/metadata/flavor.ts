import { UsageError } from "../errors.ts";
import { fields, keyValue, meaningful } from "./lines.ts";

/** What holds for every tag. */
export interface Flavor {
  readonly latest: "auto" | "true" | "false";
  readonly prefix: Affix;
  readonly suffix: Affix;
}

interface Affix {
  readonly text: string;
  /** Whether the tag `latest` gets it too. */
  readonly onLatest: boolean;
}

const none: Affix = { text: "", onLatest: false };

/** Reads lines such as `latest=auto`, `suffix=-cuda,onlatest=true`; a UsageError names the line. */
export function parseFlavor(lines: readonly string[]): Flavor {
  let flavor: Flavor = { latest: "auto", prefix: none, suffix: none };
  for (const line of meaningful(lines)) flavor = { ...flavor, ...parseLine(line) };
  return flavor;
}

function parseLine(line: string): Partial<Flavor> {
  const [first = "", ...rest] = fields(line, "flavor");
  const [key, value] = keyValue(first);
  if (key === "latest" && rest.length === 0) {
    if (value === "auto" || value === "true" || value === "false") return { latest: value };
    throw wrong(line, "latest is auto, true or false");
  }
  if (key !== "prefix" && key !== "suffix") throw wrong(line, "wanted latest=, prefix= or suffix=");
  let onLatest = false;
  for (const field of rest) {
    const [name, text] = keyValue(field);
    if (name !== "onlatest" || (text !== "true" && text !== "false"))
      throw wrong(line, `after ${key}= only onlatest=true or onlatest=false may stand`);
    onLatest = text === "true";
  }
  return { [key]: { text: value, onLatest } };
}

function wrong(line: string, why: string): UsageError {
  return new UsageError(`flavor: "${line}": ${why}.`);
}
