import { describe, expect, it } from "@jest/globals";
import { document } from "../../src/images/manifest.ts";
import { promote } from "../../src/pipeline/promote.ts";
import type { AcceptResult, ScanResult } from "../../src/results/stages.ts";
import { accepted, attest, candidateOf, log, older, promoting, scanned } from "./promoting.ts";

const given = promoting();

describe("a candidate that was not tested", () => {
  const image = older;
  const other = document("x", { other: 1 }).digest;
  const attempt = async (
    scans: readonly ScanResult[],
    accepts: readonly AcceptResult[],
    allowUntested?: string,
  ) => {
    await given.store.putManifest(image);
    return promote(
      {
        candidate: candidateOf(image),
        tags: ["latest"],
        scans,
        accepts,
        allowUntested,
        force: false,
      },
      { store: given.store, log, attest },
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
    expect(await given.store.tags()).toEqual([]);
  });

  it("is published with a reason, which is recorded with what is missing", async () => {
    expect((await attempt([], [], "trying")).untested).toEqual({
      reason: "trying",
      missing: ["the scan of linux/amd64", "the acceptance"],
    });
    expect(await given.store.manifestDigest("latest")).toBe(image.digest);
  });

  it("is not published with a reason if a check said no", async () => {
    await expect(attempt([{ ...scanned, verdict: "failed" }], [], "trying")).rejects.toThrow(
      "failed",
    );
  });
});
