import { describe, expect, it } from "@jest/globals";
import { changesLines, changesMarkdown, changesShort } from "../../src/report/changes.ts";
import type { Changes } from "../../src/results/changes.ts";
import { digests } from "./results.ts";

const layer = { digest: digests.layer, size: 5_000_000, part: "runtime" as const };
const platform: Changes["platforms"][number] = {
  platform: "linux/amd64",
  from: digests.runtime,
  to: digests.amd64,
  unchanged: false,
  bytes: { download: 5_000_000, unpack: 5_000_100, total: 9_000_000 },
  layers: [
    { ...layer, what: "COPY a | b <c>", state: "new" },
    { ...layer, what: "kept one", state: "kept" },
  ],
  gone: [{ ...layer, what: "RUN old" }],
  base: { from: "ubuntu@sha256:a", to: "ubuntu@sha256:b" },
  config: [{ field: "User", from: "nsn", to: undefined }],
  packages: Array.from({ length: 12 }, (_, at) => ({
    ...{ package: `p${at}`, ecosystem: "debian", from: "1", to: "2" },
  })),
  vulnerabilities: {
    fixed: [{ id: "CVE-1", package: "p1", severity: "HIGH", installed: "1", fixed: "2" }],
    new: [{ id: "CVE-2", package: "p2", severity: "LOW", installed: "2" }],
    left: 3,
  },
};
const changes: Changes = {
  changed: true,
  since: `latest@${digests.image}`,
  why: `changed since latest@${digests.image}`,
  platforms: [platform],
  gone: [],
  models: {
    revisions: [{ model: "flux", from: "a".repeat(40), to: "b".repeat(40) }],
    deliveries: [{ model: "clip", from: "bake", to: "mount" }],
    files: [{ file: "flux/w", change: "changed", from: 1000, to: 2000 }],
  },
  notes: ["something was not compared"],
};

describe("the report of changes", () => {
  it("says bytes, layers, packages and vulnerabilities in one row", () => {
    expect(changesShort(changes)).toContain(
      "| linux/amd64 | 5.0 MB of 9.0 MB | 5.0 MB | 1 kept, 0 moved, 1 new | 12 changed | 1 fixed, 1 new, 3 left |",
    );
  });

  it("is short in a summary, and says where the rest is", () => {
    const text = changesShort(changes);
    expect(text).toContain("| `p9` | 1 | 2 |");
    expect(text).not.toContain("p10");
    expect(text).toContain("2 more are in changes.md.");
    expect(text).not.toContain("Layers of");
  });

  it("is whole in its file, layers that came and went included", () => {
    const text = changesMarkdown(changes);
    expect(text).toContain("p11");
    expect(text).toContain("`COPY a \\| b &lt;c>`");
    expect(text).toMatch(/\| gone \| runtime \|.*RUN old/);
    expect(text).not.toContain("kept one");
    expect(text).toContain("| fixed | HIGH | CVE-1 | p1 1 |");
    expect(text).toContain("| `User` | `nsn` | (not set) |");
    expect(text).toContain("| delivery | clip: bake → mount |");
    expect(text).toContain("> Something was not compared.");
  });

  it("tells what two platforms have in common once", () => {
    const both = [platform, { ...platform, platform: "linux/arm64" }];
    const text = changesShort({ ...changes, platforms: both });
    expect(text.match(/\| `p1` /g)).toHaveLength(1);
    expect(text).toContain("**Packages, linux/amd64**");
  });

  it("says that packages were not compared, instead of nothing", () => {
    const { packages: _packages, vulnerabilities: _known, ...bare } = platform;
    expect(changesShort({ ...changes, platforms: [bare] })).toContain(
      "| not compared | not compared |",
    );
  });

  it("has lines for a terminal", () => {
    expect(changesLines(changes)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^changed since latest@sha256:[0-9a-f]{12}…$/),
        "linux/amd64  5.0 MB to pull of 9.0 MB, 5.0 MB written anew",
        "  base     ubuntu@sha256:a → ubuntu@sha256:b",
        "  config   User: nsn → (none)",
        "  package  p1: 1 → 2",
        "  new      LOW      CVE-2  p2 2",
        "something was not compared",
      ]),
    );
  });
});
