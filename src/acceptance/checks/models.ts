import { type Check, judged } from "../check.ts";
import type { LogLine } from "../node.ts";
import { loadedVram, loadingLines } from "../timeline.ts";
import type { World } from "../world.ts";

/** The weights that are there are those of the lock, and the log says that all were loaded. */
export const models: Check = {
  name: "models",
  after: ["startup"],
  seconds: () => 1_800,
  run: async (world) => {
    const { target, expected, log } = world;
    const logs = await logsOnceLoaded(world);
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

/** The log, which may come a moment later than /health says that the models are loaded. */
async function logsOnceLoaded({ nodes, clock, signal }: World): Promise<readonly LogLine[]> {
  for (const until = clock.now() + 5_000; ; ) {
    const logs = await nodes.main.logs();
    if (loadedVram(logs) !== undefined || clock.now() >= until) return logs;
    await clock.sleep(200, signal);
  }
}

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
