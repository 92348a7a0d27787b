import { UsageError } from "../errors.ts";
import { fields, keyValue } from "./lines.ts";

/** One line of the input `tags`: what kind of tag, and its attributes with their defaults filled in. */
export interface Rule {
  readonly type: RuleType;
  readonly line: string;
  readonly priority: number;
  /** A template that renders to `true` or `false`. */
  readonly enable: string;
  /** Absent: the flavor's. */
  readonly prefix: string | undefined;
  readonly suffix: string | undefined;
  /** The attributes of its type. */
  readonly attributes: Attributes;
}

export type Attributes = Readonly<Record<string, string>>;
type RuleType = "schedule" | "semver" | "match" | "edge" | "ref" | "raw" | "sha";

interface TypeFacts {
  readonly priority: number;
  /** Attributes of the type and their defaults. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly required?: readonly string[];
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

const types: Readonly<Record<RuleType, TypeFacts>> = {
  schedule: { priority: 1000, defaults: { pattern: "nightly" } },
  semver: {
    priority: 900,
    defaults: { pattern: "", value: "", match: "" },
    required: ["pattern"],
  },
  match: {
    priority: 800,
    defaults: { pattern: "", group: "0", value: "" },
    required: ["pattern"],
  },
  edge: { priority: 700, defaults: { branch: "" } },
  ref: {
    priority: 600,
    defaults: { event: "" },
    required: ["event"],
    choices: { event: ["branch", "tag", "pr"] },
  },
  raw: { priority: 200, defaults: { value: "" }, required: ["value"] },
  sha: {
    priority: 100,
    defaults: { format: "short" },
    choices: { format: ["short", "long"] },
  },
};

const common = ["type", "enable", "priority", "prefix", "suffix"];

/** Reads one rule of docker/metadata-action's language; a UsageError names the line and what is wrong with it. */
export function parseRule(line: string): Rule {
  const given = attributesOf(line);
  const { type = "raw", enable = "true", suffix } = given;
  if (!isType(type)) throw wrong(line, typeProblem(type));
  const attributes = attributesFor(type, line, given);
  const { priority = String(types[type].priority), prefix = ownPrefix(type, attributes) } = given;
  if (!/^-?\d+$/.test(priority)) throw wrong(line, `priority=${priority} is not a whole number`);
  if (type === "match") checkMatch(line, attributes);
  return { type, line, priority: Number(priority), enable, prefix, suffix, attributes };
}

function attributesFor(type: RuleType, line: string, given: Attributes): Attributes {
  const { defaults, required, choices = {} } = types[type];
  const unknown = Object.keys(given).find(
    (key) => !common.includes(key) && !Object.hasOwn(defaults, key),
  );
  if (unknown !== undefined) throw wrong(line, `type=${type} has no attribute "${unknown}"`);
  const attributes = Object.fromEntries(
    Object.entries(defaults).map(([key, value]) => [key, given[key] || value]),
  );
  const missing = required?.find((key) => attributes[key] === "");
  if (missing !== undefined) throw wrong(line, `type=${type} needs the attribute "${missing}"`);
  for (const [key, values] of Object.entries(choices)) {
    if (!values.includes(attributes[key] ?? ""))
      throw wrong(line, `${key}=${attributes[key]} is none of ${values.join(", ")}`);
  }
  return attributes;
}

/** A pattern as it is written in an attribute: bare, or `/pattern/flags`. */
export function patternOf(line: string, text: string): RegExp {
  const [, body = text, flags = ""] = /^\/(.+)\/([a-z]*)$/.exec(text) ?? [];
  try {
    return new RegExp(body, flags.replaceAll("g", ""));
  } catch (cause) {
    throw new UsageError(`tags: "${line}": ${text} is not a regular expression.`, { cause });
  }
}

function attributesOf(line: string): Record<string, string> {
  const given: Record<string, string> = {};
  for (const field of fields(line, "tags")) {
    const [key = "value", value] = keyValue(field);
    const name = key.toLowerCase();
    if (Object.hasOwn(given, name)) throw wrong(line, `"${name}" is there twice`);
    given[name] = value;
  }
  return given;
}

function isType(type: string): type is RuleType {
  return Object.hasOwn(types, type);
}

function typeProblem(type: string): string {
  return type === "pep440"
    ? "type=pep440 is not supported here; type=semver and type=match are"
    : `type=${type} is none of ${Object.keys(types).join(", ")}`;
}

function ownPrefix(type: RuleType, { event }: Attributes) {
  if (type === "sha") return "sha-";
  return type === "ref" && event === "pr" ? "pr-" : undefined;
}

function checkMatch(line: string, { group = "", pattern = "" }: Attributes) {
  if (!/^\d+$/.test(group)) throw wrong(line, `group=${group} is not a number`);
  patternOf(line, pattern);
}

function wrong(line: string, why: string): UsageError {
  return new UsageError(`tags: "${line}": ${why}.`, {
    todo: "The language is that of docker/metadata-action; see docs/inputs.md.",
  });
}
