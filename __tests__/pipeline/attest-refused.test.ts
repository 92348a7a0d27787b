import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { CheckError, UsageError } from "../../src/errors.ts";
import { answer, corruptAt, type Fault } from "../fakes/faults.ts";
import { attesting, type Setting, type World } from "./attesting.ts";

const start = attesting();

/** Nothing may have moved, whatever went wrong. */
async function movesNothing({ store, promote }: World, error: object | RegExp, more = {}) {
  await expect(promote(more)).rejects.toThrow(error as RegExp);
  expect((await store.tags()).filter((tag) => !tag.startsWith("sha256-"))).toEqual([]);
}

describe("no tag moves", () => {
  const referrer: Pick<Fault, "method" | "path"> = {
    method: "PUT",
    path: /\/manifests\/sha256:/,
  };
  // Two platforms and the index were put there before.
  const firstReferrer = { ...referrer, nth: 4 };
  it.each<[string, Setting, RegExp]>([
    [
      "Fulcio refuses",
      { signingFaults: { fulcio: [{ does: answer(400) }] } },
      /Fulcio at .* answered 400/,
    ],
    [
      "Fulcio is gone",
      { signingFaults: { fulcio: [{ does: answer(503) }] } },
      /Given up after 5 attempts/,
    ],
    ["the job's token has run out", { claims: { lives: -1 } }, /identity token/],
    [
      "Rekor refuses",
      { signingFaults: { rekor: [{ nth: 3, does: answer(403) }] } },
      /Rekor at .* answered 403/,
    ],
    [
      "the registry refuses a referrer",
      { registryFaults: [{ ...firstReferrer, does: answer(403) }] },
      /registry answered 403/,
    ],
    [
      "the registry says that it lists a referrer and does not keep it",
      {
        behaviour: { referrers: true },
        registryFaults: [{ ...firstReferrer, does: answer(201, { body: "{}" }) }],
      },
      /registry misses what the manifest names/,
    ],
    [
      // The first two blobs that are read are the platforms' configs, the next ones the bundles.
      "the registry shows other bytes than were attached",
      { registryFaults: [{ method: "GET", path: "/blobs/sha256:", nth: 3, does: corruptAt(99) }] },
      /does not show the attestation sha256:[0-9a-f]{64} \(https:\/\/slsa\.dev/,
    ],
    [
      "the registry loses the list of referrers",
      {
        registryFaults: [
          { method: "PUT", path: /\/manifests\/sha256-/, does: answer(201, { body: "{}" }) },
        ],
      },
      /somebody else writes this list/,
    ],
  ])("where %s", async (_, setting, message) => movesNothing(await start(setting), message));

  it("where a bill of materials is wanted and not there", async () => {
    const world = await start();
    await rm(join(world.folder, "sbom-linux-arm64.cdx.json"));
    await movesNothing(world, /no bill of materials for linux\/arm64/, {
      inputs: { sbom: "true" },
    });
    await expect(world.promote({ inputs: { sbom: "true" } })).rejects.toThrow(CheckError);
  });

  it("where a signature is required and the job has no identity, before anything is asked", async () => {
    const world = await start();
    const before = world.registry.requests.length;
    const wishes = {
      inputs: { sign: "required" },
      variables: { ACTIONS_ID_TOKEN_REQUEST_TOKEN: "" },
    };
    await expect(world.promote(wishes)).rejects.toThrow(UsageError);
    await expect(world.promote(wishes)).rejects.toThrow(
      "sign: required, but the job has no permission id-token: write.",
    );
    expect(world.registry.requests).toHaveLength(before);
  });
});
