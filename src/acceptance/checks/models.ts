import { type Check, judged, skipped } from "../check.ts";
import type { LogLine } from "../node.ts";
import { loadedLine, loadingLines } from "../timeline.ts";
import type { World } from "../world.ts";

const lockName = "models.lock.json";

/** The weights that are there are those of the lock, and the log says that all were loaded. */
export const models: Check = {
  name: "models",
  after: ["startup"],
  seconds: () => 1_800,
  run: async (world) => {
    const { target, expected, log } = world;
    if (expected.weights.size === 0) return skipped("no models");
    const logs = await logsOnceLoaded(world);
    log.info("Hashing the weights that are there.");
    const there = await target.weights();
    return judged(
      [
        ...loadingComplaints(logs, expected.titles),
        ...wrongWeights(expected.weights, there),
        ...(await wrongLock(world)),
      ],
      { files: there.size, loaded: loadingLines(logs).map(({ title }) => title) },
      { files: expected.weights.size + 1 },
    );
  },
};

/** The log, which may come a moment later than /health says that the models are loaded. */
async function logsOnceLoaded({ nodes, clock, signal }: World): Promise<readonly LogLine[]> {
  for (const until = clock.now() + 5_000; ; ) {
    const logs = await nodes.main.logs();
    if (loadedLine(logs) !== undefined || clock.now() >= until) return logs;
    await clock.sleep(200, signal);
  }
}

/** What the log lacks: each model in its turn, and then that all are loaded. Pure. */
export function loadingComplaints(
  logs: readonly LogLine[],
  titles: readonly string[],
): readonly string[] {
  const loading = loadingLines(logs);
  const seen = loading.map(({ title }) => title);
  const loaded = loadedLine(logs);
  const last = loading.at(-1)?.line;
  return [
    ...(same(seen, titles)
      ? []
      : [`the log names ${list(seen)} as loaded, ${list(titles)} was wanted`]),
    ...(loaded === undefined ? ['the log has no line "All models loaded. VRAM: N GB"'] : []),
    ...(loaded !== undefined && last !== undefined && logs.indexOf(loaded) < logs.indexOf(last)
      ? [`the log says that all models are loaded before it names ${seen.at(-1)}`]
      : []),
  ];
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
  const strange = [...there.keys()].filter((path) => path !== lockName && !wanted.has(path));
  const all = [...wrong, ...strange.map((path) => `${path} is not in the lock`)];
  return all.length > 5 ? [...all.slice(0, 5), `and ${all.length - 5} more`] : all;
}

/** What is wrong with the lock that lies beside the weights: the node goes by it. */
async function wrongLock({ nodes, target, expected }: World): Promise<readonly string[]> {
  const path = `${target.models}/${lockName}`;
  const { code, stdout, stderr } = await nodes.main.exec("cat", path);
  if (code !== 0) return [`${path} cannot be read: ${stderr.trim() || `exit code ${code}`}`];
  return expected.isLock(stdout) ? [] : [`${path} is not the lock`];
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
