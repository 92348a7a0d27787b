import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { type Document, document } from "../../src/images/manifest.ts";
import { names } from "../../src/images/names.ts";
import { promote } from "../../src/pipeline/promote.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import type { AcceptResult, AssembleResult, ScanResult } from "../../src/results/stages.ts";
import { layoutStore } from "../../src/stores/layout/layout-store.ts";
import { terminalLog } from "../../src/terminal/log.ts";

const log: Log = { ...terminalLog({ clock, quiet: true }), warning: () => undefined };
let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promote-"));
  store = layoutStore(folder, { files, clock, log });
});
afterEach(() => rm(folder, { recursive: true }));

const index = (created: string, note = ""): Document =>
  document(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      {
        mediaType: mediaTypes.manifest,
        digest: document(mediaTypes.manifest, { created, note }).digest,
        size: 5,
      },
    ],
    annotations: { [names.created]: created },
  });

const runtimeDigest = document("x", { runtime: 1 }).digest;
const candidateOf = ({ digest, mediaType }: Document): AssembleResult => ({
  digest,
  mediaType,
  repository: "oci:x",
  platforms: [{ platform: "linux/amd64", digest, runtimeDigest, size: 1 }],
  absent: [],
  newRuntimeBytes: 0,
  bytesUploaded: 0,
});
const scanned: ScanResult = {
  verdict: "passed",
  platforms: [{ platform: "linux/amd64", digest: runtimeDigest }],
};
const accepted = ({ digest }: Document): AcceptResult => ({
  digest,
  platform: "linux/amd64",
  target: "container",
  verdict: "passed",
  checks: [],
});

const newer = index("2026-11-09T00:00:00Z");
const older = index("2026-11-01T00:00:00Z");

/** Promotes an image that was tested. */
async function promoteTested(
  image: Document,
  tags: readonly string[],
  to: Store = store,
  force = false,
) {
  await store.putManifest(image);
  return promote(
    {
      candidate: candidateOf(image),
      tags,
      scans: [scanned],
      accepts: [accepted(image)],
      allowUntested: undefined,
      force,
    },
    { store: to, log },
  );
}

describe("promote", () => {
  it("moves every tag, and moves nothing the second time", async () => {
    expect((await promoteTested(older, ["latest", "1.0"])).tags).toMatchObject([
      { tag: "latest", moved: true, why: "first" },
      { tag: "1.0", moved: true, why: "first" },
    ]);
    expect((await promoteTested(older, ["latest"])).tags).toMatchObject([
      { moved: false, why: "already there" },
    ]);
    expect(await store.manifestDigest("latest")).toBe(older.digest);
  });

  it("never moves a tag back to an older image unless forced", async () => {
    await promoteTested(newer, ["latest"]);
    expect((await promoteTested(older, ["latest"])).tags).toMatchObject([
      { moved: false, why: expect.stringContaining("held by the newer image") },
    ]);
    expect(await store.manifestDigest("latest")).toBe(newer.digest);
    expect((await promoteTested(older, ["latest"], store, true)).tags).toMatchObject([
      { moved: true, from: newer.digest },
    ]);
    expect(await store.manifestDigest("latest")).toBe(older.digest);
  });

  it("refuses a candidate that the store does not hold", async () => {
    await expect(
      promote(
        {
          candidate: candidateOf(newer),
          tags: ["latest"],
          scans: [scanned],
          accepts: [accepted(newer)],
          allowUntested: undefined,
          force: false,
        },
        { store, log },
      ),
    ).rejects.toThrow("does not hold the candidate");
  });

  it("refuses a tag that is none", async () => {
    await expect(promoteTested(older, ["a b"])).rejects.toThrow('"a b" is not a tag');
  });
});

describe("promote, when a tag cannot be moved", () => {
  const failing = (change: Partial<Store>): Store => ({ ...store, ...change });

  it("puts back those that it moved, and takes away those that were new", async () => {
    await promoteTested(older, ["a"]);
    const broken = failing({
      putManifest: async (manifest, tag) => {
        if (tag === "c") throw new Error("the registry went away");
        await store.putManifest(manifest, tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b", "c"], broken)).rejects.toThrow(
      "every tag is where it was before",
    );
    expect(await store.manifestDigest("a")).toBe(older.digest);
    expect(await store.manifestDigest("b")).toBeUndefined();
  });

  it("says which tags it could not put back", async () => {
    const broken = failing({
      removeTag: async () => false,
      putManifest: async (manifest, tag) => {
        if (tag === "b") throw new Error("the registry went away");
        await store.putManifest(manifest, tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b"], broken)).rejects.toThrow(
      "could not be put back: a",
    );
  });

  it("leaves a tag alone that somebody else moved meanwhile", async () => {
    const theirs = index("2026-11-20T00:00:00Z", "theirs");
    let reads = 0;
    const raced = failing({
      manifestDigest: async (tag) => {
        if (tag === "b" && reads++ === 0) await store.putManifest(theirs, "b");
        return store.manifestDigest(tag);
      },
    });
    await expect(promoteTested(newer, ["a", "b"], raced)).rejects.toThrow("could not be moved");
    expect(await store.manifestDigest("a")).toBeUndefined();
    expect(await store.manifestDigest("b")).toBe(theirs.digest);
  });
});

describe("a candidate that was not tested", () => {
  const image = older;
  const other = document("x", { other: 1 }).digest;
  const attempt = async (
    scans: readonly ScanResult[],
    accepts: readonly AcceptResult[],
    allowUntested?: string,
  ) => {
    await store.putManifest(image);
    return promote(
      {
        candidate: candidateOf(image),
        tags: ["latest"],
        scans,
        accepts,
        allowUntested,
        force: false,
      },
      { store, log },
    );
  };

  it.each<[string, ScanResult[], AcceptResult[], string]>([
    ["without a scan", [], [accepted(image)], "missing are the scan of linux/amd64"],
    ["without an acceptance", [scanned], [], "missing are the acceptance"],
    [
      "whose acceptance was skipped",
      [scanned],
      [{ ...accepted(image), verdict: "skipped", reason: "no GPU" }],
      "the acceptance skipped (no GPU)",
    ],
    [
      "whose scan failed",
      [{ ...scanned, verdict: "failed", reason: "CVE-1" }],
      [accepted(image)],
      "the scan of linux/amd64 failed (CVE-1)",
    ],
    [
      "whose scan looked at another runtime",
      [{ ...scanned, platforms: [{ platform: "linux/amd64", digest: other }] }],
      [accepted(image)],
      "the candidate was made from",
    ],
    [
      "whose acceptance started another image",
      [scanned],
      [{ ...accepted(image), digest: other }],
      "the acceptance started",
    ],
    [
      "of which one platform's acceptance failed",
      [scanned],
      [accepted(image), { ...accepted(image), verdict: "failed" }],
      "the acceptance failed",
    ],
  ])("%s moves no tag", async (_, scans, accepts, message) => {
    await expect(attempt(scans, accepts)).rejects.toThrow(message);
    expect(await store.tags()).toEqual([]);
  });

  it("is published with a reason, which is recorded with what is missing", async () => {
    expect((await attempt([], [], "trying")).untested).toEqual({
      reason: "trying",
      missing: ["the scan of linux/amd64", "the acceptance"],
    });
    expect(await store.manifestDigest("latest")).toBe(image.digest);
  });

  it("is not published with a reason if a check said no", async () => {
    await expect(attempt([{ ...scanned, verdict: "failed" }], [], "trying")).rejects.toThrow(
      "failed",
    );
  });
});
