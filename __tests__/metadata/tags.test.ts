import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import type { Context } from "../../src/metadata/context.ts";
import { tagsFor } from "../../src/metadata/tags.ts";

const base: Context = {
  event: "push",
  ref: "refs/heads/master",
  sha: "860c1904a1ce19322e91ac35af1ab07466440c37",
  commitTime: Date.UTC(2020, 0, 10, 0, 30) / 1000,
  now: Date.UTC(2020, 0, 10, 0, 30),
  defaultBranch: "master",
  repository: { name: "director", url: "https://github.com/nsn/director" },
};
const on = (ref: string, event = "push"): Context => ({ ...base, ref, event });
const tags = (rules: readonly string[], context: Context, flavor: readonly string[] = []) =>
  tagsFor(rules, flavor, context).tags;
const withoutLatest = ["latest=false"];

describe("type=schedule, the table of its documentation", () => {
  it.each([
    ["type=schedule", "nightly"],
    ["type=schedule,pattern=nightly", "nightly"],
    ["type=schedule,pattern={{date 'YYYYMMDD'}}", "20200110"],
    ["type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "20200110-093000"],
  ])("%s makes %s on a schedule and nothing on a push", (rule, tag) => {
    expect(tags([rule], on("refs/heads/master", "schedule"))).toEqual([tag]);
    expect(tags([rule], base)).toEqual([]);
  });
});

describe("type=semver, the table of its documentation", () => {
  it.each([
    ["v1.2.3", "pattern={{raw}}", "v1.2.3"],
    ["v1.2.3", "pattern={{version}}", "1.2.3"],
    ["v1.2.3", "pattern={{major}}.{{minor}}", "1.2"],
    ["v1.2.3", "pattern=v{{major}}", "v1"],
    ["v1.2.3", "pattern={{minor}}", "2"],
    ["v1.2.3", "pattern={{patch}}", "3"],
    ["p1/v1.2.3", "pattern={{version}},match=v(\\d.\\d.\\d)$", "1.2.3"],
    ["v2.0.8-beta.67", "pattern={{raw}}", "v2.0.8-beta.67"],
    ["v2.0.8-beta.67", "pattern={{version}}", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "pattern={{major}}", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "pattern={{major}}.{{minor}}", "2.0.8-beta.67"],
  ])("the Git tag %s with %s makes %s", (tag, attributes, expected) => {
    expect(tags([`type=semver,${attributes}`], on(`refs/tags/${tag}`), withoutLatest)).toEqual([
      expected,
    ]);
  });

  it.each([
    ["type=semver,pattern={{version}},value=v1.0.0", ["1.0.0", "latest"]],
    ["type=semver,pattern={{version}},value=p1/v1.0.0,match=v(\\d.\\d.\\d)$", ["1.0.0", "latest"]],
  ])("%s needs no Git tag", (rule, expected) => {
    expect(tags([rule], base)).toEqual(expected);
  });

  it("does not apply to a branch, and warns of a Git tag that is no version", () => {
    const rule = "type=semver,pattern={{version}}";
    expect(tagsFor([rule], [], base)).toEqual({ tags: [], version: undefined, warnings: [] });
    const { tags: none, warnings } = tagsFor([rule], [], on("refs/tags/stable"));
    expect(none).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("stable is not a semantic version")]);
  });

  it("major version zero can be kept from making the tag 0", () => {
    const rules = [
      "type=semver,pattern={{version}}",
      "type=semver,pattern={{major}}.{{minor}}",
      "type=semver,pattern={{major}},enable=false",
    ];
    expect(tags(rules, on("refs/tags/v0.1.2"), withoutLatest)).toEqual(["0.1.2", "0.1"]);
  });
});

describe("type=match, the table of its documentation", () => {
  it.each([
    ["v1.2.3", "pattern=\\d.\\d.\\d", "1.2.3"],
    ["v2.0.8-beta.67", "pattern=v(.*),group=1", "2.0.8-beta.67"],
    ["v2.0.8-beta.67", "pattern=v(\\d.\\d),group=1", "2.0"],
    ["20200110-RC2", "pattern=\\d+", "20200110"],
    ["p1/v1.2.3", "pattern=p1/v(\\d.\\d.\\d),group=1", "1.2.3"],
    ["V1.2.3", "pattern=/v(.*)/i,group=1", "1.2.3"],
    ["v10.2", '"pattern=\\d{1,3}"', "10"],
  ])("the Git tag %s with %s makes %s", (tag, attributes, expected) => {
    expect(tags([`type=match,${attributes}`], on(`refs/tags/${tag}`))).toEqual([
      expected,
      "latest",
    ]);
  });

  it("takes its text from value, and warns where nothing matches or the group is not there", () => {
    expect(tags(["type=match,pattern=v(.*),group=1,value=v1.0.0"], base)).toEqual([
      "1.0.0",
      "latest",
    ]);
    const rules = ["type=match,pattern=x", "type=match,pattern=v.*,group=2"];
    expect(tagsFor(rules, [], on("refs/tags/v1")).warnings).toHaveLength(2);
  });
});

describe("type=edge", () => {
  it.each([
    ["the default branch", "type=edge", "refs/heads/master", ["edge"]],
    ["another branch", "type=edge", "refs/heads/topic", []],
    ["a branch that the rule names", "type=edge,branch=main", "refs/heads/main", ["edge"]],
    ["the default branch when the rule names another", "type=edge,branch=main", base.ref, []],
    ["a Git tag", "type=edge", "refs/tags/v1.2.3", []],
  ])("%s", (_, rule, ref, expected) => expect(tags([rule], on(ref))).toEqual(expected));
});

describe("type=ref, the table of its documentation", () => {
  const rules = ["type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr"];
  it.each([
    ["pull_request", "refs/pull/2/merge", "pr-2"],
    ["push", "refs/heads/master", "master"],
    ["push", "refs/heads/my/branch", "my-branch"],
    ["push", "refs/tags/v1.2.3", "v1.2.3"],
    ["push", "refs/tags/v2.0.8-beta.67", "v2.0.8-beta.67"],
    ["workflow_dispatch", "refs/heads/master", "master"],
  ])("%s of %s makes %s", (event, ref, expected) => {
    expect(tags(rules, on(ref, event), withoutLatest)).toEqual([expected]);
  });
});

describe("type=raw and type=sha", () => {
  it.each([
    ["type=raw,value=foo", "foo"],
    ["type=raw,foo", "foo"],
    ["foo", "foo"],
    ["type=raw,value=mytag-{{branch}}-{{sha}}", "mytag-master-860c190"],
    ["type=sha", "sha-860c190"],
    ["type=sha,format=short", "sha-860c190"],
    ["type=sha,format=long", "sha-860c1904a1ce19322e91ac35af1ab07466440c37"],
    ["type=sha,prefix={{branch}}-", "master-860c190"],
    ["type=sha,prefix=", "860c190"],
  ])("%s makes %s", (rule, tag) => expect(tags([rule], base)).toEqual([tag]));
});

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

  it("has every tag once, and signs that no tag may have become one dash", () => {
    const rules = ["a b//c", "type=raw,value=a-b-c", "type=raw,value=x # a comment"];
    expect(tags(rules, base)).toEqual(["a-b-c", "x"]);
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
