import { expect, it } from "@jest/globals";
import { predicateTypes } from "../../src/attest/predicates.ts";
import { digestOf } from "../../src/images/digest.ts";
import { attestations } from "../../src/report/attestations.ts";
import type { PromoteResult } from "../../src/results/stages.ts";

const [digest, subject] = [digestOf("artifact"), digestOf("image")];
const promote: PromoteResult = { digest: subject, tags: [] };

it("names what was attached, and by which artifact", () => {
  const listed = [...Object.values(predicateTypes), "https://example.org/x"].map(
    (predicateType) => ({ predicateType, digest, subject }),
  );
  const rows = attestations({ promote: { ...promote, attestations: listed } })
    .split("\n")
    .slice(4);
  expect(rows.map((row) => row.split("|")[1]?.trim())).toEqual([
    ...["provenance", "bill of materials", "scan", "acceptance"],
    "",
  ]);
  for (const row of rows) expect(row).toContain(digest);
});

it("says why nothing was signed", () => {
  expect(attestations({ promote: { ...promote, unsigned: "sign is off" } })).toBe(
    "### Attestations\n\nNot signed: sign is off.",
  );
});

it("says nothing where promote did not run, or moved nothing", () => {
  expect(attestations({})).toBe("");
  expect(attestations({ promote })).toBe("");
});
