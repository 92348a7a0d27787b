import { gt, parse, prerelease, type SemVer, valid } from "semver";
import { UsageError } from "../errors.ts";
import { branchOf, type Context, pullOf, shortSha, tagOf } from "./context.ts";
import { isRaw, render } from "./expression.ts";
import { type Flavor, parseFlavor } from "./flavor.ts";
import { meaningful } from "./lines.ts";
import { type Attributes, parseRule, patternOf, type Rule } from "./rule.ts";

/** The rules where the input `tags` is empty. */
const defaultRules: readonly string[] = [
  "type=schedule",
  "type=ref,event=branch",
  "type=ref,event=pr",
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=sha",
];

export interface Tags {
  /** Without repeats; the main one first, `latest` last. */
  readonly tags: readonly string[];
  /** The main tag: that of the highest priority; absent where no rule applies. */
  readonly version: string | undefined;
  /** Rules that could not apply although their event did: sentences for a person. */
  readonly warnings: readonly string[];
  /** Why there is no `latest` where a reader would look for it: sentences for a person. */
  readonly notes: readonly string[];
}

/** A rule's answer: a tag before its prefix and suffix, and whether `latest=auto` follows from it; if not, `newer` may be the version that has it. */
type Answer =
  | { readonly value: string; readonly latest: boolean; readonly newer?: string }
  | { readonly warning: string };

/**
 * The tags of an image, by the rule language of docker/metadata-action, one rule a line (`defaultRules` where there are none). Pure. A bad
 * rule is a UsageError that names its line.
 */
export function tagsFor(
  rules: readonly string[],
  flavor: readonly string[],
  context: Context,
): Tags {
  const lines = meaningful(rules);
  const taste = parseFlavor(flavor);
  const sorted = (lines.length === 0 ? defaultRules : lines)
    .map(parseRule)
    .sort((a, b) => b.priority - a.priority);
  const tags = new Set<string>();
  const warnings: string[] = [];
  let latest: boolean | undefined;
  let newer: string | undefined;
  for (const rule of sorted) {
    const answer = about(rule, () => (isEnabled(rule, context) ? apply(rule, context) : undefined));
    if (answer === undefined) continue;
    if ("warning" in answer) {
      warnings.push(`tags: "${rule.line}": ${answer.warning}`);
      continue;
    }
    const tag = about(rule, () => decorated(answer.value, rule, taste, context));
    if (tag === "") continue;
    tags.add(checked(tag, rule.line));
    if (latest === undefined && taste.latest === "auto") newer = answer.newer;
    latest ??= taste.latest === "auto" ? answer.latest : taste.latest === "true";
  }
  if (latest === true) tags.add(latestTag(taste, context));
  const all = [...tags];
  const notes =
    newer === undefined
      ? []
      : [`latest is left to ${newer}, which is a newer version than ${tagOf(context.ref)}.`];
  return { tags: all, version: all[0], warnings, notes };
}

function isEnabled({ enable }: Rule, context: Context): boolean {
  const answer = render(enable, context).trim().toLowerCase();
  if (answer === "true" || answer === "false") return answer === "true";
  throw new UsageError(`enable=${answer} is neither true nor false.`);
}

function apply({ type, line, attributes }: Rule, context: Context): Answer | undefined {
  const { event, ref, sha } = context;
  const attribute = (name: string) => attributes[name] ?? "";
  switch (type) {
    case "schedule":
      if (event !== "schedule") return undefined;
      return { value: render(attribute("pattern"), context), latest: false };
    case "semver":
      return semver(line, attributes, context);
    case "match":
      return match(line, attributes, context);
    case "edge":
      return isBranch(ref, attribute("branch") || context.defaultBranch)
        ? { value: "edge", latest: false }
        : undefined;
    case "ref":
      return fromRef(attribute("event"), ref);
    case "raw":
      return { value: render(attribute("value"), context), latest: false };
    case "sha":
      return { value: attribute("format") === "long" ? sha : shortSha(sha), latest: false };
  }
}

function isBranch(ref: string, branch: string): boolean {
  return branch !== "" && branchOf(ref) === branch;
}

function fromRef(event: string, ref: string): Answer | undefined {
  const of = event === "branch" ? branchOf : event === "tag" ? tagOf : pullOf;
  const value = of(ref);
  return value === "" ? undefined : { value, latest: event === "tag" };
}

function semver(
  line: string,
  { pattern = "", value = "", match: part = "" }: Attributes,
  context: Context,
): Answer | undefined {
  const given = value === "" ? tagOf(context.ref) : render(value, context);
  if (given === "") return undefined;
  const text = versionText(line, part, given);
  if (text === undefined) return { warning: `${part} does not match ${given}.` };
  const version = versionIn(text);
  if (version === null) return { warning: `${text} is not a semantic version (semver.org).` };
  const { major, minor, patch } = version;
  const isPre = prerelease(text) !== null;
  const wanted = isPre && !isRaw(pattern) ? "{{version}}" : pattern;
  const values = { raw: text, version: version.version, major, minor, patch };
  const answer = { value: render(wanted, context, values), latest: !isPre };
  if (isPre || value !== "") return answer;
  // A fix of an older line (v1.2.4 after v1.3.0) is made later, and is not the latest version.
  const prefix = beforeVersion(given, version);
  const newer = newerThan(version, prefix, context.gitTags ?? [], (tag) =>
    versionText(line, part, tag),
  );
  return newer === undefined ? answer : { ...answer, latest: false, newer };
}

/** What of a Git tag is its version by a rule; undefined where the rule's `match` does not match. */
function versionText(line: string, match: string, tag: string): string | undefined {
  if (match === "") return tag.replaceAll("/", "-");
  const found = patternOf(line, match).exec(tag);
  return found === null ? undefined : (found[1] ?? found[0]);
}

function versionIn(text: string): SemVer | null {
  return valid(text) === null ? null : parse(text);
}

/** What stands before a tag's version: `v`, `director-v`, nothing. Other words before it are another series of versions. */
function beforeVersion(tag: string, { version }: SemVer): string {
  return tag.slice(0, Math.max(0, tag.indexOf(version)));
}

/** The Git tag of the newest full version of the same series, where that is newer than this one. */
function newerThan(
  version: SemVer,
  prefix: string,
  gitTags: readonly string[],
  read: (tag: string) => string | undefined,
): string | undefined {
  let newest = version;
  let its: string | undefined;
  for (const tag of gitTags) {
    const other = versionIn(read(tag) ?? "");
    if (other === null || other.prerelease.length > 0 || !gt(other, newest)) continue;
    if (beforeVersion(tag, other) !== prefix) continue;
    newest = other;
    its = tag;
  }
  return its;
}

function match(
  line: string,
  { pattern = "", group = "0", value = "" }: Attributes,
  context: Context,
): Answer | undefined {
  const text = value === "" ? tagOf(context.ref) : render(value, context);
  if (text === "") return undefined;
  const found = patternOf(line, pattern).exec(text);
  if (found === null) return { warning: `${pattern} does not match ${text}.` };
  const part = found[Number(group)];
  return part === undefined
    ? { warning: `${pattern} has no group ${group} in ${text}.` }
    : { value: part, latest: true };
}

/** Prefix and suffix: the rule's own, else the flavor's. A rule without a value (no commit to name) gives no tag. */
function decorated(value: string, rule: Rule, { prefix, suffix }: Flavor, context: Context) {
  if (value === "") return "";
  const before = render(rule.prefix ?? prefix.text, context);
  return sanitised(`${before}${value}${render(rule.suffix ?? suffix.text, context)}`);
}

function latestTag({ prefix, suffix }: Flavor, context: Context): string {
  const text = `${prefix.onLatest ? prefix.text : ""}latest${suffix.onLatest ? suffix.text : ""}`;
  return checked(sanitised(render(text, context)), "latest");
}

function sanitised(tag: string): string {
  return tag.replace(/[^A-Za-z0-9._-]+/g, "-");
}

function checked(tag: string, line: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag)) return tag;
  throw new UsageError(
    `tags: "${line}" makes the tag "${tag}", which no registry takes: a tag has at most 128 characters and does not begin with "." or "-".`,
  );
}

/** Puts the rule's line before whatever is wrong with it. */
function about<T>(rule: Rule, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.startsWith("tags:")) throw error;
    throw new UsageError(`tags: "${rule.line}": ${error.message}`, {
      cause: error.cause,
      ...(error.todo === undefined ? {} : { todo: error.todo }),
    });
  }
}
