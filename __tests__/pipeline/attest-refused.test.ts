import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { CheckError, UsageError } from "../../src/errors.ts";
import { digestOf } from "../../src/images/digest.ts";
import type { Results } from "../../src/results/stages.ts";
import { answer, corruptAt, type Fault } from "../fakes/faults.ts";
import { attesting, movesNothing, type Setting } from "./attesting.ts";

const start = attesting();

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
      // The first blobs that are read are the platforms' configs, twice, and their locks, the next ones the bundles.
      "the registry shows other bytes than were attached",
      { registryFaults: [{ method: "GET", path: "/blobs/sha256:", nth: 7, does: corruptAt(99) }] },
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

describe("no tag moves where the provenance would not be true", () => {
  const other = digestOf("another build");
  it.each<[string, (results: Results) => Partial<Results>, RegExp]>([
    [
      "as there is no build",
      () => ({ build: [] }),
      /was made from the runtime sha256:.* for linux\/amd64, but the results folder has no build for that platform/,
    ],
    [
      "as the build is another one",
      ({ build }) => ({
        build: build.map((one) => ({
          ...one,
          platforms: one.platforms.map((entry) =>
            entry.platform === "linux/arm64" ? { ...entry, digest: other } : entry,
          ),
        })),
      }),
      new RegExp(`for linux/arm64, but the results folder has the build of ${other}`),
    ],
    [
      "as the plan knows no lock",
      ({ prepare }) => ({
        prepare: prepare && { ...prepare, models: { ...prepare.models, lock: "" } },
      }),
      /carries the lock sha256:.* for linux\/amd64, but prepare.json names none/,
    ],
  ])("%s", async (_, more, message) => {
    const world = await start();
    const wishes = { results: more(world.results) };
    await movesNothing(world, message, wishes);
    await expect(world.promote(wishes)).rejects.toThrow(CheckError);
    expect(await world.said()).toEqual([]);
  });

  it("as the lock was changed after assemble", async () => {
    const world = await start();
    const path = join(world.folder, "models.lock.json");
    const lock = await readFile(path, "utf8");
    await writeFile(path, lock.replace('"title": "one"', '"title": "uno"'));
    await movesNothing(world, /carries the lock sha256:.*, but models.lock.json in the results/);
    expect(await world.said()).toEqual([]);
  });

  it("and names only the builds that the candidate was made from", async () => {
    const world = await start();
    const [build] = world.results.build;
    if (build === undefined) throw new Error("there is no build");
    const platforms = build.platforms.map((entry) => ({ ...entry, digest: other }));
    await world.promote({ results: { build: [{ ...build, platforms }, build] } });
    const said = JSON.stringify(await world.said());
    expect(said).not.toContain(other.slice("sha256:".length));
  });
});
