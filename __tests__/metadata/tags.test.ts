import { describe, expect, it } from "@jest/globals";
import { tagsFor } from "../../src/metadata/tags.ts";
import { base, on, tags, withoutLatest } from "./push.ts";

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
    expect(tagsFor([rule], [], base)).toEqual({
      ...{ tags: [], version: undefined, warnings: [], notes: [] },
    });
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
