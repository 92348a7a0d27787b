import { expect, it } from "@jest/globals";
import { tagsFor } from "../../src/metadata/tags.ts";
import { on } from "./push.ts";

const exact = "type=semver,pattern={{version}}";
const ofOne = "type=semver,pattern={{version}},match=^one/v(.*)$";
const anywhere = "type=semver,pattern={{version}},match=v(.*)";
const left = (newer: string, ref: string) => [
  `latest is left to ${newer}, which is a newer version than ${ref}.`,
];

it.each([
  ["nothing is known", "v1.2.4", exact, [], true, []],
  ["it alone is known", "v1.2.4", exact, ["v1.2.4"], true, []],
  ["it is the newest", "v1.10.0", exact, ["v1.9.0", "v1.10.0"], true, []],
  ["a newer one is there", "v1.2.4", exact, ["v1.3.0", "v1.2.4"], false, left("v1.3.0", "v1.2.4")],
  ["the newest is named", "v1.2.4", exact, ["v2.0.0", "v1.3.0"], false, left("v2.0.0", "v1.2.4")],
  ["only a pre-release is newer", "v1.2.4", exact, ["v1.3.0-rc.1", "v1.2.4"], true, []],
  ["others are no versions", "v1.2.4", exact, ["v2", "stable", "x/v9.0.0", "v1.2.4"], true, []],
  ["tags have no v", "1.2.4", exact, ["1.3.0", "1.2.4"], false, left("1.3.0", "1.2.4")],
  ["old tags were dates", "v1.2.3", exact, ["2023.10.1", "v1.2.3"], true, []],
  ["another program's is newer", "app-v1.2.3", anywhere, ["web-v2.0.0", "app-v1.2.3"], true, []],
  ["another image's is newer", "one/v1.0.0", ofOne, ["two/v3.0.0", "v9.0.0"], true, []],
  [
    ...(["its image's own is newer", "one/v1.0.0", ofOne, ["one/v2.0.0"], false] as const),
    left("one/v2.0.0", "one/v1.0.0"),
  ],
] as const)("latest, where %s", (_, ref, rule, gitTags, isLatest, notes) => {
  const made = tagsFor([rule], [], { ...on(`refs/tags/${ref}`), gitTags });
  expect(made.tags.includes("latest")).toBe(isLatest);
  expect(made.notes).toEqual(notes);
});

it.each([
  ["is asked for", [exact], ["latest=true"], ["1.2.4", "latest"]],
  ["is not wanted", [exact], ["latest=false"], ["1.2.4"]],
  ["is a rule of its own", [exact, "type=raw,value=latest"], [], ["1.2.4", "latest"]],
  [
    "goes by a version that the rule names itself",
    [`${exact},value=v1.0.0`],
    [],
    ["1.0.0", "latest"],
  ],
])("an older version, where latest %s", (_, rules, flavor, tags) => {
  const context = { ...on("refs/tags/v1.2.4"), gitTags: ["v1.3.0", "v1.2.4"] };
  expect(tagsFor(rules, flavor, context).tags).toEqual(tags);
});
