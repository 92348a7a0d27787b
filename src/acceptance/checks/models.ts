import { type Check, judged } from "../check.ts";
import { loadedVram, loadingLines } from "../timeline.ts";

/** The weights that are there are those of the lock, and the log says that all were loaded. */
export const models: Check = {
  name: "models",
  after: ["startup"],
  seconds: () => 1_800,
  run: async ({ nodes, target, expected, log }) => {
    const logs = await nodes.main.logs();
    const titles = loadingLines(logs).map(({ title }) => title);
    const vram = loadedVram(logs);
    log.info("Hashing the weights that are there.");
    const there = await target.weights();
    const complaints = [
      ...(same(titles, expected.titles)
        ? []
        : [`the log names ${list(titles)} as loaded, ${list(expected.titles)} was wanted`]),
      ...(vram === undefined ? ['the log has no line "All models loaded. VRAM: N GB"'] : []),
      ...wrongWeights(expected.weights, there),
    ];
    return judged(
      complaints,
      { files: there.size, loaded: titles },
      { files: expected.weights.size },
    );
  },
};

/** What differs between two lists of hashes, at most five lines of it. Pure. */
export function wrongWeights(
  wanted: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
): readonly string[] {
  const wrong = [...wanted].flatMap(([path, sha256]) => {
    const seen = there.get(path);
    if (seen === undefined) return [`${path} is missing`];
    return seen === sha256 ? [] : [`${path} has sha256 ${seen}, the lock says ${sha256}`];
  });
  return wrong.length > 5 ? [...wrong.slice(0, 5), `and ${wrong.length - 5} more`] : wrong;
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
