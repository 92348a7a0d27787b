import { expect, it } from "@jest/globals";
import { readLayerLines } from "../../src/buildx/provenance.ts";
import { digestOf } from "../../src/images/digest.ts";

const layer = (name: string) => ({ digest: digestOf(Buffer.from(name)), size: 99 });
const at = (line: number, more: object = {}) => ({
  locations: [{ ranges: [{ start: { line }, end: { line } }], ...more }],
});
const [one, two, three] = [layer("one"), layer("two"), layer("three")];

/** As BuildKit 0.32 writes it: each step's layers are those of all that it stands on, too. */
const steps = {
  source: {
    locations: {
      step0: {},
      step1: at(4),
      step2: {
        locations: [{ ranges: [...at(5).locations, ...at(6).locations].flatMap((l) => l.ranges) }],
      },
      step3: at(9),
      step4: at(12, { sourceIndex: 1 }),
    },
  },
  layers: {
    "step2:0": [[one, two]],
    "step1:0": [[one]],
    // A step without a layer of its own.
    "step3:0": [[one, two]],
    "step4:0": [[one, two, three]],
    "step9:0": [[]],
  },
};

it.each([
  ["SLSA 0.2", { metadata: { "https://mobyproject.org/buildkit@v1#metadata": steps } }],
  ["SLSA 1", { runDetails: { metadata: { buildkit_metadata: steps } } }],
])("a layer is of the line at which its step begins: %s", (_, predicate) => {
  expect([...readLayerLines(JSON.stringify({ predicate }))]).toEqual([
    [one.digest, 4],
    [two.digest, 5],
  ]);
});

it("provenance of mode min has no lines", () => {
  expect(readLayerLines(JSON.stringify({ predicate: { materials: [] } })).size).toBe(0);
});
