import type { Context } from "../../src/metadata/context.ts";
import { tagsFor } from "../../src/metadata/tags.ts";

/** A push to the default branch. */
export const base: Context = {
  event: "push",
  ref: "refs/heads/master",
  sha: "860c1904a1ce19322e91ac35af1ab07466440c37",
  commitTime: Date.UTC(2020, 0, 10, 0, 30) / 1000,
  now: Date.UTC(2020, 0, 10, 0, 30),
  defaultBranch: "master",
  repository: { name: "director", url: "https://github.com/nsn/director" },
};
/** The same for another reference or event. */
export const on = (ref: string, event = "push"): Context => ({ ...base, ref, event });
export const tags = (rules: readonly string[], context: Context, flavor: readonly string[] = []) =>
  tagsFor(rules, flavor, context).tags;
export const withoutLatest = ["latest=false"];
