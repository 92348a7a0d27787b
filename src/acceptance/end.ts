import { describe, startAgain } from "./health.ts";
import type { RunningNode } from "./node.ts";
import type { World } from "./world.ts";

/** When (milliseconds since 1970) and how a node ended. */
export interface End {
  readonly at: number;
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
}

/** Waits for a node's end; undefined if it does not come in time. */
export async function awaitEnd(
  node: RunningNode,
  seconds: number,
  { clock, signal }: Pick<World, "clock" | "signal">,
): Promise<End | undefined> {
  const until = clock.now() + seconds * 1000;
  for (;;) {
    const state = await node.state();
    if (!state.running) return { at: state.ended ?? clock.now(), exitCode: state.exitCode };
    if (clock.now() >= until) return undefined;
    await clock.sleep(100, signal);
  }
}

/** What came of a SIGTERM: the seconds until the end (undefined: it did not come in time), and what was wrong with it. */
export interface Termination {
  readonly seconds: number | undefined;
  readonly complaints: readonly string[];
}

interface Asked {
  /** When SIGTERM was sent, and when once more; milliseconds since 1970. */
  readonly begun: number;
  readonly again?: number;
  /** Seconds that the end may take, and for which it was waited. */
  readonly limit: number;
  readonly waited: number;
}

/** Judges an end that was asked for. Pure. */
export function judgeEnd(end: End | undefined, asked: Asked): Termination {
  const { begun, again, limit, waited } = asked;
  if (end === undefined)
    return { seconds: undefined, complaints: [`it still runs ${waited} s after SIGTERM`] };
  const { at, exitCode } = end;
  const seconds = Math.max(0, (at - begun) / 1000);
  return {
    seconds,
    complaints: [
      ...exitComplaints(exitCode, again !== undefined && at >= again),
      ...(seconds < limit
        ? []
        : [`it took ${seconds.toFixed(1)} s to end, ${limit} s are allowed`]),
    ],
  };
}

/** `secondCame`: before it ended, SIGTERM had been sent once more. */
function exitComplaints(exitCode: number | undefined, secondCame: boolean): readonly string[] {
  if (exitCode === 0) return [];
  // 128 and the signal's number, as containers tell it.
  if (exitCode !== undefined && exitCode !== 143) return [`it ended with exit code ${exitCode}`];
  return [
    secondCame
      ? "a second SIGTERM cut its end short"
      : "SIGTERM ended it as it ends a program that does not handle it",
  ];
}

/** Starts the node under test again and ends it when it is healthy, and once more at its first words; `limit` in seconds. */
export async function endsWithoutWork(
  limit: number,
  world: World,
): Promise<{ readonly idle: Termination; readonly early: Termination }> {
  const node = world.nodes.main;
  const none = { seconds: undefined, complaints: [] };
  const { met, last } = await startAgain(world);
  if (!met)
    return {
      early: none,
      idle: { ...none, complaints: [`it did not start again: ${describe(last)}`] },
    };
  const idle = await terminate(node, limit, world);
  if (idle.seconds === undefined) return { idle, early: none };
  const lines = (await node.logs()).length;
  await node.restart();
  await awaitWords(node, lines, world);
  return { idle, early: await terminate(node, limit, world) };
}

/** Waits until its log has more than so many lines, ten seconds at most. */
async function awaitWords(
  node: RunningNode,
  lines: number,
  { clock, signal }: World,
): Promise<void> {
  const until = clock.now() + 10_000;
  while ((await node.logs()).length <= lines && clock.now() < until) await clock.sleep(50, signal);
}

async function terminate(
  node: RunningNode,
  limit: number,
  world: Pick<World, "clock" | "signal" | "limits">,
): Promise<Termination> {
  const begun = world.clock.now();
  await node.signal("SIGTERM");
  const waited = Math.max(limit, world.limits.shutdownSeconds);
  return judgeEnd(await awaitEnd(node, waited, world), { begun, limit, waited });
}
