import { beforeEach, describe, expect, it } from "@jest/globals";
import { document } from "../../src/images/manifest.ts";
import { type Promoting, promote } from "../../src/pipeline/promote.ts";
import type { AssembleResult, ScanResult } from "../../src/results/stages.ts";
import { type Made, putRuntime, yard } from "./images.ts";
import { attest } from "./promoting.ts";

const given = yard();
let runtimes: Made[];
let candidate: AssembleResult;
let scan: ScanResult;

beforeEach(async () => {
  const { software } = given;
  const root = { "models/": 1000 };
  runtimes = [
    await putRuntime(software, [root, { "app/": 0, "app/amd64": "1" }]),
    await putRuntime(software, [root, { "app/arm64": "1" }], { platform: "linux/arm64" }),
  ];
  candidate = await given.assemble(runtimes);
  scan = {
    verdict: "passed",
    platforms: runtimes.map(({ platform, digest, diffIds }) => ({
      platform,
      digest,
      diffIds: [...diffIds],
    })),
  };
});

const attempt = async (more: Partial<Promoting> = {}) => {
  const { digest } = candidate;
  return promote(
    {
      candidate,
      tags: ["latest"],
      scans: [scan],
      accepts: [
        { digest, platform: "linux/amd64", target: "container", verdict: "passed", checks: [] },
      ],
      allowUntested: undefined,
      force: false,
      ...more,
    },
    { store: given.target, log: given.ports.log, attest },
  );
};

describe("a candidate with weights", () => {
  it("is published where the scanned layers are its own, without the models'", async () => {
    expect((await attempt()).untested).toBeUndefined();
    expect(await given.target.manifestDigest("latest")).toBe(candidate.digest);
  });

  it("is published under a tag that was given twice, once", async () => {
    const { tags } = await attempt({ tags: ["latest", "1.0", "latest"] });
    expect(tags).toMatchObject([
      { tag: "latest", moved: true, why: "first" },
      { tag: "1.0", moved: true, why: "first" },
    ]);
    expect(await given.target.manifestDigest("latest")).toBe(candidate.digest);
  });

  it("is refused where another runtime was scanned under the digest that assemble.json names", async () => {
    const other = await putRuntime(given.software, [{ "app/amd64": "2" }]);
    const [amd64, arm64] = scan.platforms;
    if (amd64 === undefined || arm64 === undefined) throw new Error("incomplete");
    const platforms = [{ ...amd64, diffIds: [...other.diffIds] }, arm64];
    await expect(
      attempt({ scans: [{ ...scan, platforms }], allowUntested: "trying" }),
    ).rejects.toThrow("the scan of linux/amd64 looked at other layers than the candidate's");
    expect(await given.target.tags()).toEqual([]);
  });

  it("is refused where assemble.json names other manifests than its index", async () => {
    const [amd64, arm64] = candidate.platforms;
    if (amd64 === undefined || arm64 === undefined) throw new Error("incomplete");
    const platforms = [{ ...amd64, digest: arm64.digest }, arm64];
    await expect(
      attempt({ candidate: { ...candidate, platforms }, allowUntested: "trying" }),
    ).rejects.toThrow(`the candidate has ${amd64.digest}`);
    await expect(
      attempt({ candidate: { ...candidate, platforms: [arm64] }, allowUntested: "trying" }),
    ).rejects.toThrow("which assemble.json does not name");
    expect(await given.target.tags()).toEqual([]);
  });

  it("is refused where it is no index", async () => {
    const [amd64] = candidate.platforms;
    if (amd64 === undefined) throw new Error("incomplete");
    await expect(attempt({ candidate: { ...candidate, digest: amd64.digest } })).rejects.toThrow(
      "is no index over platforms",
    );
  });

  it("is refused where the store has lost a platform of it", async () => {
    const { target: store, ports } = given;
    const lost = document("x", {}).digest;
    const platforms = candidate.platforms.map(({ digest }) => digest);
    const lossy = {
      ...store,
      readManifest: (reference: string) =>
        store.readManifest(reference === platforms[1] ? lost : reference),
    };
    await expect(
      promote(
        { candidate, tags: [], scans: [scan], accepts: [], allowUntested: "x", force: false },
        { store: lossy, log: ports.log, attest },
      ),
    ).rejects.toThrow(`does not hold ${platforms[1]}`);
  });
});
