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

const statement = (predicate: object) => JSON.stringify({ predicate });
const whole = statement({ runDetails: { metadata: { buildkit_metadata: steps } } });
const [first, second, third] = [one.digest, two.digest, three.digest];
const other = digestOf(Buffer.from("other"));

it.each([
  ["SLSA 0.2", { metadata: { "https://mobyproject.org/buildkit@v1#metadata": steps } }],
  ["SLSA 1", { runDetails: { metadata: { buildkit_metadata: steps } } }],
])("a layer is of the line at which its step begins: %s", (_, predicate) => {
  expect(readLayerLines(statement(predicate), [first, second])).toEqual([4, 5]);
});

it.each([
  ["layers whose times were rewritten", [other, other], [4, 5]],
  ["a file that a frontend brought", [first, second, third], [4, 5, undefined]],
  ["an image of another number of layers", [other, other, other, other], []],
  ["one of two results of as many", [second], [11]],
  ["none of two results of as many", [other], []],
])("%s", (_, layers, lines) => {
  const two = { ...steps, layers: { ...steps.layers, "step5:0": [[{ digest: second }]] } };
  const locations = { ...steps.source.locations, step5: at(11) };
  const more = { ...two, source: { locations } };
  const found = readLayerLines(
    statement({ runDetails: { metadata: { buildkit_metadata: more } } }),
    layers,
  );
  expect(found).toEqual(layers.map((_, at) => lines[at]));
});

it("provenance of mode min has no lines", () => {
  expect(readLayerLines(statement({ materials: [] }), [first])).toEqual([undefined]);
  expect(readLayerLines(whole, [])).toEqual([]);
});
