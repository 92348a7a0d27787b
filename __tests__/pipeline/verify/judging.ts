import { type Digest, digestOf } from "../../../src/images/digest.ts";
import type { CompleteLock } from "../../../src/models/lock.ts";
import { formatLock } from "../../../src/models/lock-text.ts";
import type { FinalImage, FinalPlatform } from "../../../src/pipeline/verify/final-image.ts";
import { judgeImage, type Policy } from "../../../src/pipeline/verify/policy.ts";
import type { Assembly, Signed, Statements } from "../../../src/pipeline/verify/statement.ts";
import type { AcceptResult, ScanResult } from "../../../src/results/stages.ts";

const now = Date.parse("2026-11-29T12:00:00Z");
export const days = (count: number) => new Date(now - count * 24 * 3_600_000);
export const policy: Policy = { now, maxAge: 45 * 24 * 3_600_000, allowUntested: false };
export const d = (text: string): Digest => digestOf(text);
const hex = (text: string) => d(text).slice("sha256:".length);

export const lock: CompleteLock = {
  ...{ version: 1, root: "/models" },
  models: ["one", "two"].map((name) => ({
    ...{ name, title: name, delivery: "bake", source: { url: "https://x.example/" } },
    files: [{ path: "w", size: 1, sha256: hex(name) }],
  })),
  layers: ["one", "two"].map((name) => ({
    ...{ digest: d(`layer ${name}`), size: 1024, files: [`${name}/w`] },
  })),
};
export const layers: NonNullable<FinalPlatform["layers"]> = {
  below: [d("layer one"), d("layer two")],
  diffIds: [d("os"), d("node")],
  ...{ top: d("lock"), lockLayer: d("lock") },
};
const platform: FinalPlatform = {
  ...{ platform: "linux/amd64", digest: d("amd64"), lock, layers },
  modelsImage: `ghcr.io/nsn/director@${d("models")}`,
};
export const image: FinalImage = {
  digest: d("index"),
  index: [{ platform: "linux/amd64", digest: d("amd64") }],
  platforms: [platform],
};
export const signed = <T>(says: T, signedAt: Date | undefined = days(3)): Signed<T> => ({
  ...{ referrer: d("referrer"), subjects: [d("index"), d("amd64")], signedAt, says },
});
export const assembly: Assembly = {
  runtimes: [{ platform: "linux/amd64", digest: d("runtime") }],
  models: d("models"),
  lock: digestOf(formatLock(lock)),
  files: [
    { file: "one/w", sha256: hex("one") },
    { file: "two/w", sha256: hex("two") },
  ],
  ...{ delivery: "bake", untested: undefined },
};
export const scanned: ScanResult = {
  verdict: "passed",
  platforms: [{ platform: "linux/amd64", digest: d("runtime"), diffIds: [...layers.diffIds] }],
  database: { updatedAt: days(4).toISOString(), source: "x" },
};
export const accepted: AcceptResult = {
  ...{ digest: d("index"), platform: "linux/amd64", target: "container" },
  ...{ verdict: "passed", checks: [] },
};
export const good: Statements = {
  provenance: [signed(assembly)],
  scan: [signed(scanned)],
  acceptance: [signed(accepted)],
  sbom: [signed({})],
  leftAside: [],
};

export const problems = (seen: FinalImage, said: Statements, rules = policy) =>
  judgeImage(seen, said, rules)
    .filter(({ verdict }) => verdict !== "passed")
    .map(({ name, verdict, reason }) => `${name} ${verdict}: ${reason}`);
export const withLayers = (more: Partial<typeof layers>): FinalImage => ({
  ...image,
  platforms: [{ ...platform, layers: { ...layers, ...more } }],
});
export const withPlatform = (more: Partial<FinalPlatform>): FinalImage => ({
  ...image,
  platforms: [{ ...platform, ...more }],
});

export const scan = (more: Partial<ScanResult>, at?: Date) => ({
  ...good,
  scan: [signed({ ...scanned, ...more }, at)],
});
export const acceptance = (more: Partial<AcceptResult>, at?: Date) => ({
  ...good,
  acceptance: [signed({ ...accepted, ...more }, at)],
});
export const untested = { reason: "hotfix", missing: ["the acceptance"] };
