import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { predicateTypes } from "../../src/attest/predicates.ts";
import { CheckError } from "../../src/errors.ts";
import type { Results } from "../../src/results/stages.ts";
import { attesting, movesNothing, types, type World } from "./attesting.ts";
import { buildkit } from "./attesting-inputs.ts";

const start = attesting();
const much = "x".repeat(16 * 2 ** 20);

describe("what is too much for one statement", () => {
  it.each<[string, (results: Results) => Parameters<World["promote"]>[0], string]>([
    [
      "the assembly",
      () => ({ inputs: { "allow-untested": much }, results: { accept: [] } }),
      predicateTypes.provenance,
    ],
    [
      "a scan",
      ({ scan }) => ({ results: { scan: scan.map((one) => ({ ...one, note: much })) } }),
      predicateTypes.scan,
    ],
    [
      "an acceptance",
      ({ accept }) => ({ results: { accept: accept.map((one) => ({ ...one, reason: much })) } }),
      predicateTypes.acceptance,
    ],
  ])("is not published where it is %s", async (_, wishes, type) => {
    const world = await start();
    const given = wishes(world.results);
    await movesNothing(world, new RegExp(`The statement ${type} has 16\\d{6} bytes`), given);
    await expect(world.promote(given)).rejects.toThrow(CheckError);
    expect(await world.said()).toEqual([]);
  });

  it("is left out with a warning where it is BuildKit's provenance", async () => {
    const predicate = { ...buildkit.predicate, much };
    const { promote, ports } = await start({ provenance: { ...buildkit, predicate } });
    const { attestations, tags } = await promote({ inputs: { sbom: "true" } });
    expect(attestations?.map(({ predicateType }) => predicateType)).toEqual(
      types.filter((type) => type !== buildkit.predicateType),
    );
    expect(tags.every(({ moved }) => moved)).toBe(true);
    expect(ports.lines.join("\n")).toMatch(/bytes, more than .* It is left out\./);
  });

  it("is left out with a warning where it is a bill of materials that need not be", async () => {
    const world = await start();
    const bill = JSON.stringify({ bomFormat: "CycloneDX", much });
    await writeFile(join(world.folder, "sbom-linux-arm64.cdx.json"), bill);
    await movesNothing(world, CheckError, { inputs: { sbom: "true" } });
    const { attestations } = await world.promote();
    expect(attestations).toHaveLength(types.length - 1);
  });
});
