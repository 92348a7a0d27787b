import { describe, expect, it } from "@jest/globals";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import type { CompleteLock } from "../../../src/models/lock.ts";
import { formatLock } from "../../../src/models/lock-text.ts";
import type { FinalImage, FinalPlatform } from "../../../src/pipeline/verify/final-image.ts";
import { judgeImage, type Policy } from "../../../src/pipeline/verify/policy.ts";
import type { Assembly, Signed, Statements } from "../../../src/pipeline/verify/statement.ts";
import type { AcceptResult, ScanResult } from "../../../src/results/stages.ts";

const now = Date.parse("2026-11-29T12:00:00Z");
const days = (count: number) => new Date(now - count * 24 * 3_600_000);
const policy: Policy = { now, maxAge: 45 * 24 * 3_600_000, allowUntested: false };
const d = (text: string): Digest => digestOf(text);
const hex = (text: string) => d(text).slice("sha256:".length);

const lock: CompleteLock = {
  ...{ version: 1, root: "/models" },
  models: ["one", "two"].map((name) => ({
    ...{ name, title: name, delivery: "bake", source: { url: "https://x.example/" } },
    files: [{ path: "w", size: 1, sha256: hex(name) }],
  })),
  layers: ["one", "two"].map((name) => ({
    ...{ digest: d(`layer ${name}`), size: 1024, files: [`${name}/w`] },
  })),
};
const layers: NonNullable<FinalPlatform["layers"]> = {
  below: [d("layer one"), d("layer two")],
  diffIds: [d("os"), d("node")],
  ...{ top: d("lock"), lockLayer: d("lock") },
};
const platform: FinalPlatform = {
  ...{ platform: "linux/amd64", digest: d("amd64"), lock, layers },
  modelsImage: `ghcr.io/nsn/director@${d("models")}`,
};
const image: FinalImage = {
  digest: d("index"),
  index: [{ platform: "linux/amd64", digest: d("amd64") }],
  platforms: [platform],
};
const signed = <T>(says: T, signedAt: Date | undefined = days(3)): Signed<T> => ({
  ...{ referrer: d("referrer"), subjects: [d("index"), d("amd64")], signedAt, says },
});
const assembly: Assembly = {
  runtimes: [{ platform: "linux/amd64", digest: d("runtime") }],
  models: d("models"),
  lock: digestOf(formatLock(lock)),
  files: [
    { file: "one/w", sha256: hex("one") },
    { file: "two/w", sha256: hex("two") },
  ],
  ...{ delivery: "bake", untested: undefined },
};
const scanned: ScanResult = {
  verdict: "passed",
  platforms: [{ platform: "linux/amd64", digest: d("runtime"), diffIds: [...layers.diffIds] }],
  database: { updatedAt: days(4).toISOString(), source: "x" },
};
const accepted: AcceptResult = {
  ...{ digest: d("index"), platform: "linux/amd64", target: "container" },
  ...{ verdict: "passed", checks: [] },
};
const good: Statements = {
  provenance: [signed(assembly)],
  scan: [signed(scanned)],
  acceptance: [signed(accepted)],
  sbom: [signed({})],
  leftAside: [],
};

const problems = (seen: FinalImage, said: Statements, rules = policy) =>
  judgeImage(seen, said, rules)
    .filter(({ verdict }) => verdict !== "passed")
    .map(({ name, verdict, reason }) => `${name} ${verdict}: ${reason}`);
const withLayers = (more: Partial<typeof layers>): FinalImage => ({
  ...image,
  platforms: [{ ...platform, layers: { ...layers, ...more } }],
});
const withPlatform = (more: Partial<FinalPlatform>): FinalImage => ({
  ...image,
  platforms: [{ ...platform, ...more }],
});

it("lets an image pass that is what its statements say", () => {
  expect(judgeImage(image, good, policy).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
    "provenance passed",
    "runtime passed",
    "weights passed",
    "scan passed",
    "acceptance passed",
    "sbom passed",
  ]);
});

it.each<[string, FinalImage, Partial<Assembly>]>([
  ["mounts its weights", withLayers({ below: [] }), { delivery: "mount" }],
  [
    "knows no models",
    withPlatform({
      ...{ lock: undefined, modelsImage: undefined },
      layers: { below: [], diffIds: layers.diffIds, top: undefined, lockLayer: undefined },
    }),
    { files: [], models: undefined, lock: undefined },
  ],
])("lets an image pass that %s", (_, seen, more) => {
  expect(problems(seen, { ...good, provenance: [signed({ ...assembly, ...more })] })).toEqual([]);
});

it("lets an image pass whose layers were scanned again as another month's runtime image", () => {
  const platforms = scanned.platforms.map((one) => ({ ...one, digest: d("another month") }));
  const later = signed({ ...scanned, platforms }, days(1));
  const old = signed(scanned, days(80));
  expect(problems(image, { ...good, scan: [old, later] })).toEqual([]);
});

it("says what an acceptance left out", () => {
  const checks = [{ name: "gpu", verdict: "skipped" as const, reason: "no GPU" }];
  const said = { ...good, acceptance: [signed({ ...accepted, checks })] };
  const found = judgeImage(image, said, policy).find(({ name }) => name === "acceptance");
  expect(found).toMatchObject({ verdict: "passed", reason: "without gpu (no GPU)" });
});

describe("an image is refused", () => {
  it.each<[string, FinalImage, string]>([
    [
      "with a weight's layer swapped",
      withLayers({ below: [d("layer one"), d("evil")] }),
      `weights failed: its model layer ${d("evil")} is not one of the lock's`,
    ],
    [
      "with a weight's layer taken out",
      withLayers({ below: [d("layer one")] }),
      "weights failed: the lock's model layer ",
    ],
    [
      "with layers in another order",
      withLayers({ below: layers.below.toReversed() }),
      "weights failed: its model layers are not in the lock's order",
    ],
    [
      "with more in its last layer than the lock",
      withLayers({ top: d("lock and more") }),
      `weights failed: its last layer ${d("lock and more")} holds something else than the models lock alone`,
    ],
    [
      "with a lock that names other files than the assembly",
      withPlatform({
        lock: { ...lock, models: lock.models.map((one) => ({ ...one, name: `${one.name}x` })) },
      }),
      "weights failed: one/w: the assembly was of sha256 ",
    ],
    [
      "with a lock that names other layers than the assembly's",
      withPlatform({ lock: { ...lock, layers: lock.layers.toReversed() } }),
      "weights failed: its models lock is sha256:",
    ],
    [
      "with another models image in its label",
      withPlatform({ modelsImage: `ghcr.io/nsn/director@${d("old")}` }),
      `weights failed: its label names the models image ${d("old")}, the assembly ${d("models")}`,
    ],
    [
      "without its lock",
      withPlatform({ lock: undefined }),
      "weights failed: no models lock travels in it",
    ],
    [
      "with a layer that nobody scanned",
      withLayers({ diffIds: [...layers.diffIds, d("evil")] }),
      "runtime failed: its layers between weights and lock are not those that were scanned (diff_ids)",
    ],
    [
      "with another manifest for its platform",
      { ...image, index: [{ platform: "linux/amd64", digest: d("evil") }] },
      `provenance failed: it does not speak of ${d("evil")}, the image for linux/amd64`,
    ],
    [
      "with a platform more",
      { ...image, index: [...image.index, { platform: "linux/arm64", digest: d("evil") }] },
      `provenance failed: it does not speak of ${d("evil")}, the image for linux/arm64`,
    ],
  ])("%s", (_, seen, said) => {
    expect(problems(seen, good)).toEqual([expect.stringContaining(said)]);
  });

  it("whose layers nobody can tell apart", () => {
    const seen = withPlatform({ layers: undefined });
    expect(problems(seen, good).map((line) => line.split(":")[0])).toEqual([
      "runtime failed",
      "weights failed",
    ]);
  });
});

const scan = (more: Partial<ScanResult>, at?: Date) => ({
  ...good,
  scan: [signed({ ...scanned, ...more }, at)],
});
const acceptance = (more: Partial<AcceptResult>, at?: Date) => ({
  ...good,
  acceptance: [signed({ ...accepted, ...more }, at)],
});
const untested = { reason: "hotfix", missing: ["the acceptance"] };

describe("a statement is refused", () => {
  it.each<[string, Statements, string]>([
    [
      "that is an older scan",
      scan({}, days(46)),
      "scan failed: signed 2026-10-14T12:00Z, 46 days ago; at most 45 days are allowed (--max-age)",
    ],
    [
      "that is a scan by an old database",
      scan({ database: { updatedAt: days(50).toISOString(), source: "x" } }),
      "scan failed: its vulnerability database is of 2026-10-10T12:00Z, 50 days ago",
    ],
    [
      "that is a scan of long ago, signed anew",
      scan({ finished: days(60).toISOString() }),
      "scan failed: scanned 2026-09-30T12:00Z, 60 days ago",
    ],
    [
      "that is a scan without a database's date",
      scan({ database: undefined }),
      "scan failed: it does not say how old its vulnerability database was",
    ],
    [
      "that is of tomorrow",
      scan({}, days(-1)),
      "scan failed: signed 2026-11-30T12:00Z, which is yet to come",
    ],
    [
      "whose scan failed",
      scan({ verdict: "failed", reason: "CVE-1 is critical" }),
      "scan failed: it failed: CVE-1 is critical",
    ],
    [
      "that accepted another digest",
      acceptance({ digest: d("other") }),
      `acceptance failed: ${d("other")} was accepted, not this image`,
    ],
    [
      "whose acceptance failed",
      acceptance({
        verdict: "failed",
        checks: [{ name: "health", verdict: "failed", reason: "503" }],
      }),
      "acceptance failed: it failed: health: 503",
    ],
    [
      "whose acceptance is of tomorrow",
      acceptance({}, days(-1)),
      "acceptance failed: signed 2026-11-30T12:00Z, which is yet to come",
    ],
    [
      "that accepted another platform only",
      acceptance({ platform: "linux/arm64" }),
      "acceptance failed: only linux/arm64 was started and checked (--allow-untested lets it pass)",
    ],
    [
      "whose acceptance was skipped",
      acceptance({ platform: "", verdict: "skipped", reason: "acceptance: off" }),
      "acceptance failed: skipped: acceptance: off (--allow-untested lets it pass)",
    ],
    [
      "that is of an image published untested",
      { ...good, acceptance: [], provenance: [signed({ ...assembly, untested })] },
      "acceptance failed: published untested: hotfix (--allow-untested lets it pass)",
    ],
    [
      "that is missing: the acceptance",
      { ...good, acceptance: [] },
      "acceptance failed: none that counts is attached",
    ],
    [
      "that is missing: the bill of materials",
      { ...good, sbom: [] },
      "sbom failed: none that counts is attached",
    ],
    [
      "that is a bill of materials of another platform",
      { ...good, sbom: [{ ...signed({}), subjects: [d("index"), d("arm64")] }] },
      "sbom failed: none that counts is attached",
    ],
    [
      "without a time",
      { ...good, scan: [{ ...signed(scanned), signedAt: undefined }] },
      "scan failed: no transparency log says when it was signed",
    ],
  ])("%s", (_, said, reason) => {
    expect(problems(image, said)).toEqual([expect.stringContaining(reason)]);
  });

  const elsewhere = (at: Date, more: Partial<ScanResult["platforms"][number]>) =>
    scan({ platforms: scanned.platforms.map((one) => ({ ...one, ...more })) }, at).scan;
  const other =
    "runtime failed: its layers between weights and lock are not those that were scanned (diff_ids)";

  it.each<[string, Partial<ScanResult["platforms"][number]>]>([
    ["of other layers", { diffIds: [d("os"), d("other")] }],
    ["of other layers, said of the runtime image", { diffIds: [] }],
    ["that does not say which layers it looked at", { diffIds: undefined }],
  ])("that is the newest scan, %s, whatever an older one says", (_, more) => {
    const said = { ...good, scan: [...good.scan, ...elsewhere(days(1), more)] };
    expect(problems(image, said)).toEqual([other]);
    const before = { ...good, scan: [...good.scan, ...elsewhere(days(9), more)] };
    expect(problems(image, before)).toEqual([]);
  });

  it("that is missing, with what was left aside of its kind", () => {
    const reason = `it is about ${d("other")}`;
    const leftAside = [
      { referrer: d("r"), kind: "scan" as const, reason },
      { referrer: d("s"), kind: "sbom" as const, reason: "no matter" },
    ];
    const [runtime, missing] = problems(image, { ...good, scan: [], leftAside });
    expect(runtime).toContain("no scan says");
    expect(missing).toBe(
      `scan failed: none that counts is attached; left aside: it is about ${d("other")}`,
    );
  });

  it("in favour of a later one, good or bad", () => {
    const later = signed({ ...scanned, verdict: "failed" as const, reason: "CVE-1" }, days(1));
    expect(problems(image, { ...good, scan: [later, ...good.scan] })).toEqual([
      "scan failed: it failed: CVE-1",
    ]);
    const before = signed({ ...scanned, verdict: "failed" as const, reason: "CVE-1" }, days(9));
    expect(problems(image, { ...good, scan: [...good.scan, before] })).toEqual([]);
  });
});

describe("--allow-untested", () => {
  const lenient = { ...policy, allowUntested: true };
  it("lets an image pass that says why it was not tested, and shows it", () => {
    const said = {
      ...good,
      ...{ acceptance: [], scan: [], provenance: [signed({ ...assembly, untested })] },
    };
    expect(problems(image, said, lenient)).toEqual([
      "runtime skipped: no scan says which layers it looked at",
      "scan skipped: published untested: hotfix",
      "acceptance skipped: published untested: hotfix",
    ]);
  });

  it("lets none pass that is silent about it, or that failed", () => {
    expect(problems(image, { ...good, acceptance: [] }, lenient)).toEqual([
      "acceptance failed: none that counts is attached",
    ]);
    expect(problems(image, acceptance({ verdict: "failed", reason: "x" }), lenient)).toEqual([
      "acceptance failed: it failed: x",
    ]);
  });
});
