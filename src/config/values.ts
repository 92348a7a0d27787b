import { UsageError } from "../errors.ts";
import { type Digest, isDigest } from "../images/digest.ts";

/** Readers of single values; each complaint names the input, what was seen and what was wanted. */
export function choice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((candidate) => candidate === text);
  if (found === undefined) throw wrong(name, text, `one of ${choices.join(", ")}`);
  return found;
}

/** Yes, no, or as it fits. */
export function ternary(name: string, text: string): "auto" | "true" | "false" {
  return choice(name, text, ["auto", "true", "false"]);
}

export function flag(name: string, text: string): boolean {
  return choice(name, text, ["true", "false"]) === "true";
}

/** One value a line; empty lines and lines that begin with # are left out. */
export function lines(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** `NAME=VALUE` entries. */
export function pairs(name: string, entries: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map((line) => {
      const at = line.indexOf("=");
      if (at < 1) throw wrong(name, line, "NAME=VALUE");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** Undefined where nothing was given. */
export function digest(name: string, text: string): Digest | undefined {
  if (text !== "" && !isDigest(text)) throw wrong(name, text, "sha256: and 64 hexadecimal digits");
  return text === "" ? undefined : text;
}

/** A whole number from `least` up. */
export function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least)
    throw wrong(name, text, `a whole number from ${least} up`);
  return value;
}

/** `90`, `90s`, `5m`, `72h`, `45d` in seconds. */
export function seconds(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)?$/.exec(text);
  if (match === null) throw wrong(name, text, "a time such as 60s, 5m or 72h");
  return (
    Number(match[1]) *
    { s: 1, m: 60, h: 3600, d: 86_400 }[(match[2] ?? "s") as "s" | "m" | "h" | "d"]
  );
}

/** `10GB` (10⁹), `512MiB`, `16g` (as Docker: 2³⁰) in bytes. */
export function size(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?$/i.exec(text);
  if (match === null) throw wrong(name, text, "a size such as 10GB, 512MiB or 16g");
  const power = ["", "k", "m", "g", "t"].indexOf((match[2] ?? "").toLowerCase());
  const base = (match[3] ?? "").toLowerCase() === "b" && power > 0 ? 1000 : 1024;
  return Math.round(Number(match[1]) * base ** power);
}

export function wrong(name: string, text: string, wanted: string): UsageError {
  return new UsageError(`${name}: "${text}" is not what was wanted: ${wanted}.`);
}
