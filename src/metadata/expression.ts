import { UsageError } from "../errors.ts";
import { branchOf, type Context, isDefaultBranch, shortSha, tagOf } from "./context.ts";
import { formatDate } from "./date-format.ts";

/** What `{{name}}` stands for beside the expressions that are always there (a version's parts in a semver pattern). */
export type Values = Readonly<Record<string, string | number>>;

const statement = /\{\{\s*([^{}]*?)\s*\}\}/g;
const call = /^(date|commit_date)\s+(?:'([^']*)'|"([^"]*)")(?:\s+tz=(?:'([^']*)'|"([^"]*)"))?$/;

/**
 * Replaces every `{{…}}` of a template: the global expressions of docker/metadata-action, and `values`. Anything else between braces is
 * a UsageError: a tag with a hole in it would be published.
 */
export function render(template: string, context: Context, values: Values = {}): string {
  const rendered = template.replace(statement, (whole, inner: string) => {
    const value = evaluate(inner, context, values);
    if (value === undefined) throw unknown(whole, values);
    return value;
  });
  if (/\{\{|\}\}/.test(template.replace(statement, "")))
    throw new UsageError(`"${template}" has braces that do not pair up.`);
  return rendered;
}

/** Whether a template is `{{raw}}` and nothing else. */
export function isRaw(template: string): boolean {
  return /^\{\{\s*raw\s*\}\}$/.test(template);
}

function evaluate(inner: string, context: Context, values: Values): string | undefined {
  const [, name, single, double, zoneSingle, zoneDouble] = call.exec(inner) ?? [];
  if (name !== undefined) {
    const time = name === "date" ? context.now : context.commitTime * 1000;
    return formatDate(time, single ?? double ?? "", zoneSingle ?? zoneDouble);
  }
  if (Object.hasOwn(values, inner)) return String(values[inner]);
  return Object.hasOwn(globals, inner) ? globals[inner]?.(context) : undefined;
}

const globals: Readonly<Record<string, (context: Context) => string>> = {
  branch: ({ ref }) => branchOf(ref),
  tag: ({ ref }) => tagOf(ref),
  sha: ({ sha }) => shortSha(sha),
  base_ref: ({ ref, baseRef = "" }) =>
    /^refs\/(tags|pull)\//.test(ref) ? baseRef.replace(/^refs\/heads\//, "") : "",
  is_default_branch: (context) => String(isDefaultBranch(context)),
  is_not_default_branch: (context) => String(!isDefaultBranch(context)),
};

function unknown(whole: string, values: Values): UsageError {
  const names = [...Object.keys(values), ...Object.keys(globals)];
  return new UsageError(`${whole} is not an expression that is known here.`, {
    todo: `Known: ${names.map((name) => `{{${name}}}`).join(", ")}, {{date 'FORMAT' tz='ZONE'}}, {{commit_date 'FORMAT' tz='ZONE'}}.`,
  });
}
