import { describe, expect, it } from "@jest/globals";
import { inputs } from "../../src/config/inputs.ts";
import { UsageError } from "../../src/errors.ts";
import { tagsFor } from "../../src/metadata/tags.ts";
import { base, on, tags, withoutLatest } from "./push.ts";

describe("global expressions, the tables of their documentation", () => {
  const pull = { ...on("refs/pull/2/merge", "pull_request"), baseRef: "master" };
  const gitTag = { ...on("refs/tags/v1.2.3"), baseRef: "refs/heads/master" };
  it.each([
    ["{{branch}}", "a pull request", pull, "x-"],
    ["{{branch}}", "a branch", base, "x-master"],
    ["{{branch}}", "a branch with a slash", on("refs/heads/my/branch"), "x-my-branch"],
    ["{{branch}}", "a Git tag", gitTag, "x-"],
    ["{{tag}}", "a pull request", pull, "x-"],
    ["{{tag}}", "a branch", base, "x-"],
    ["{{tag}}", "a branch with a slash", on("refs/heads/my/branch"), "x-"],
    ["{{tag}}", "a Git tag", gitTag, "x-v1.2.3"],
    ["{{sha}}", "a branch", base, "x-860c190"],
    ["{{base_ref}}", "a pull request", pull, "x-master"],
    ["{{base_ref}}", "a branch", base, "x-"],
    ["{{base_ref}}", "a branch with a slash", on("refs/heads/my/branch"), "x-"],
    ["{{base_ref}}", "a Git tag", gitTag, "x-master"],
    ["{{is_default_branch}}", "the default branch", base, "x-true"],
    ["{{is_default_branch}}", "another branch", on("refs/heads/topic"), "x-false"],
    ["{{is_default_branch}}", "a Git tag", gitTag, "x-false"],
    ["{{is_default_branch}}", "a schedule", on("refs/heads/master", "schedule"), "x-true"],
    ["{{is_not_default_branch}}", "the default branch", base, "x-false"],
    ["{{is_not_default_branch}}", "another branch", on("refs/heads/topic"), "x-true"],
    ["{{ date 'YYYYMMDD' }}", "any event", base, "x-20200110"],
    ["{{commit_date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "any event", base, "x-20200110-093000"],
  ])("%s on %s", (expression, _, context, expected) => {
    expect(tags([`type=raw,value=x-${expression}`], context)).toEqual([expected]);
  });

  it("switch a rule on and off", () => {
    const rule = "type=raw,value=latest,enable={{is_default_branch}}";
    expect(tags([rule], base)).toEqual(["latest"]);
    expect(tags([rule], on("refs/heads/topic"))).toEqual([]);
  });
});

describe("flavor", () => {
  const version = "type=semver,pattern={{version}}";
  const release = on("refs/tags/v1.2.3");
  it.each([
    ["auto after a version", [], [version], release, ["1.2.3", "latest"]],
    ["auto after a pre-release", [], [version], on("refs/tags/v1.2.3-rc.1"), ["1.2.3-rc.1"]],
    ["auto after a branch", [], ["type=ref,event=branch"], base, ["master"]],
    [
      "auto follows the rule of the highest priority",
      [],
      ["type=raw,foo,priority=999", version],
      release,
      ["foo", "1.2.3"],
    ],
    ["latest=true", ["latest=true"], ["type=sha"], base, ["sha-860c190", "latest"]],
    ["latest=false", ["latest=false"], [version], release, ["1.2.3"]],
    ["latest=true without any tag", ["latest=true"], [version], base, []],
    ["a prefix", ["prefix=gpu-"], [version], release, ["gpu-1.2.3", "latest"]],
    [
      "a suffix on latest too",
      ["suffix=-cuda,onlatest=true"],
      [version],
      release,
      ["1.2.3-cuda", "latest-cuda"],
    ],
    [
      "a rule's own prefix wins",
      ["prefix=gpu-"],
      [`${version},prefix=v`],
      release,
      ["v1.2.3", "latest"],
    ],
    [
      "pr- and sha- stay without the flavor's prefix",
      ["prefix=gpu-"],
      ["type=sha"],
      base,
      ["sha-860c190"],
    ],
  ])("%s", (_, flavor, rules, context, expected) => {
    expect(tags(rules, context, flavor)).toEqual(expected);
  });
});

describe("the list of tags", () => {
  it("is sorted by priority, the first being the version", () => {
    const rules = [
      "type=sha",
      "foo",
      "type=ref,event=tag",
      "type=match,pattern=\\d+",
      "type=semver,pattern={{version}}",
      "type=raw,value=first,priority=1001",
    ];
    const all = ["first", "1.2.3", "1", "v1.2.3", "foo", "sha-860c190"];
    expect(tagsFor(rules, withoutLatest, on("refs/tags/v1.2.3"))).toMatchObject({
      tags: all,
      version: "first",
    });
  });

  it.each([
    ["a branch", base, ["master", "sha-860c190"]],
    ["a pull request", on("refs/pull/7/merge", "pull_request"), ["pr-7", "sha-860c190"]],
    ["a release", on("refs/tags/v1.2.3"), ["1.2.3", "1.2", "sha-860c190", "latest"]],
    ["a pre-release", on("refs/tags/v1.2.3-rc.1"), ["1.2.3-rc.1", "sha-860c190"]],
    ["a schedule", on("refs/heads/master", "schedule"), ["nightly", "master", "sha-860c190"]],
  ])("without rules: %s", (_, context, expected) => {
    expect(tags([], context)).toEqual(expected);
    expect(tags(["  ", "# only a comment"], context)).toEqual(expected);
  });

  it("without rules is that of the input's default", () => {
    const rules = inputs.tags.default.split("\n");
    for (const context of [base, on("refs/tags/v1.2.3"), on("refs/heads/master", "schedule")])
      expect(tags([], context)).toEqual(tags(rules, context));
  });

  it("has every tag once, and signs that no tag may have become one dash", () => {
    const rules = ["a b//c", "type=raw,value=a-b-c", "# type=raw,value=x", "type=raw,value=y #2"];
    expect(tags(rules, base)).toEqual(["a-b-c", "y-2"]);
  });
});

describe("a bad rule is refused with its line", () => {
  it.each([
    ["type=oops", "none of"],
    ["type=pep440,pattern={{version}}", "not supported"],
    ["type=semver", 'needs the attribute "pattern"'],
    ["type=ref,event=issue", "none of branch, tag, pr"],
    ["type=ref", 'needs the attribute "event"'],
    ["type=sha,format=middle", "none of short, long"],
    ["type=sha,colour=red", 'no attribute "colour"'],
    ["type=raw,value=a,value=b", "twice"],
    ["type=raw", 'needs the attribute "value"'],
    ["type=raw,value=a,priority=high", "not a whole number"],
    ["type=raw,value=a,enable=maybe", "neither true nor false"],
    ["type=raw,value={{nothing}}", "{{nothing}} is not an expression"],
    ["type=raw,value={{branch", "braces"],
    ["type=raw,value={{date 'YYYY' tz='Nowhere/At-All'}}", "not a time zone"],
    ["type=match,pattern=(", "not a regular expression"],
    ["type=match,pattern=a,group=x", "not a number"],
    ['type=raw,"value=a', "quote"],
    ["type=raw,value=-a", "no registry takes"],
    [`type=raw,value=${"a".repeat(129)}`, "no registry takes"],
  ])("%s", (rule, why) => {
    const refused = () => tags(["type=sha", rule], base);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(why);
    expect(refused).toThrow(`"${rule}"`);
  });

  it.each(["latest=maybe", "colour=red", "prefix=a,oops=true", "suffix=a,onlatest=perhaps"])(
    "flavor: %s",
    (line) => {
      expect(() => tags([], base, [line])).toThrow(UsageError);
      expect(() => tags([], base, [line])).toThrow(`flavor: "${line}"`);
    },
  );
});
