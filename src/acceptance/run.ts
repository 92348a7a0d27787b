import { isError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { startChain } from "./chain.ts";
import type { Check, CheckName, CheckResult, Finding, Verdict } from "./check.ts";
import { failed, skipped } from "./check.ts";
import { checks } from "./checks.ts";
import type { Gpus } from "./gpus.ts";
import { connectGrpc } from "./grpc.ts";
import type { LogLine, Target } from "./node.ts";
import { nodesOf } from "./nodes.ts";
import { type Event, timelineOf, withHealth } from "./timeline.ts";
import { type VramSample, watchVram } from "./vram-series.ts";
import type { Expected, Limits, World } from "./world.ts";

export interface AcceptOptions {
  readonly expected: Expected;
  readonly limits: Limits;
  readonly gpu: "auto" | "required" | "off";
  /** The cards of this machine; undefined where there are none, or they are not looked at. */
  readonly gpus: Gpus | undefined;
  /** A real chain; undefined: a small one of the run's own. */
  readonly chainUrl: string | undefined;
  /** Folder of the node's protocols. */
  readonly protos: string;
}

export interface AcceptPorts {
  readonly exec: Exec;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What an acceptance found. */
export interface Acceptance {
  readonly target: Target["kind"];
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly checks: readonly CheckResult[];
  readonly timeline: readonly Event[];
  readonly vram: { readonly samples: readonly VramSample[]; readonly limitBytes: number };
  /** The node's log, where a check failed. */
  readonly logs: readonly LogLine[];
}

/** Starts the target, checks it and takes away everything that was made, whatever happens. A check that fails is no error. */
export async function accept(
  target: Target,
  options: AcceptOptions,
  ports: AcceptPorts,
): Promise<Acceptance> {
  const { expected, limits, gpu, gpus, protos } = options;
  const { clock, log, signal } = ports;
  const chain =
    options.chainUrl === undefined ? await startChain(target.hostAddress, clock.now) : undefined;
  const nodes = nodesOf(target, options.chainUrl ?? chain?.url ?? "");
  const vram = watchVram(gpus, () => nodes.running, clock);
  const world: World = {
    ...ports,
    ...{ target, nodes, chain, expected, limits, gpu, gpus, vram },
    grpc: (node) => connectGrpc(node.grpc, protos, clock.now),
  };
  let timeline: readonly Event[] = [];
  try {
    const results: CheckResult[] = [];
    for (const check of checks) {
      const result = await runCheck(check, results, world);
      results.push(result);
      log.info(checkLine(result));
      if (check.name === "startup") timeline = await timelineIfStarted(world, result);
      signal.throwIfAborted();
    }
    const verdict = verdictOf(results);
    const keep = verdict.verdict === "failed" && nodes.running !== undefined;
    const logs = keep ? await nodes.logs() : [];
    const samples = { samples: [...vram.samples], limitBytes: limits.vramBytes };
    return { target: target.kind, ...verdict, checks: results, timeline, vram: samples, logs };
  } finally {
    vram.stop();
    await chain?.stop();
    await target.close();
  }
}

async function runCheck(
  check: Check,
  before: readonly CheckResult[],
  world: World,
): Promise<CheckResult> {
  const begun = world.clock.now();
  const finding = await findingOf(check, before, world);
  return { name: check.name, ...finding, seconds: (world.clock.now() - begun) / 1000 };
}

async function findingOf(
  check: Check,
  before: readonly CheckResult[],
  world: World,
): Promise<Finding> {
  const blocking = blockedBy(check, before);
  if (blocking !== undefined) return skipped(`after ${blocking}`);
  const seconds = check.seconds(world);
  const timeout = AbortSignal.timeout(seconds * 1000);
  const signal = AbortSignal.any([world.signal, timeout]);
  try {
    return await check.run({ ...world, signal });
  } catch (error) {
    world.signal.throwIfAborted();
    if (timeout.aborted) return failed(`it did not come to an end within ${seconds} s`);
    return failed(isError(error) ? error.message : String(error));
  }
}

/** The first check before this one that it needs and that did not pass. Pure. */
export function blockedBy(
  { after }: Pick<Check, "after">,
  before: readonly Pick<CheckResult, "name" | "verdict">[],
): CheckName | undefined {
  return after.find((name) =>
    before.some((result) => result.name === name && result.verdict !== "passed"),
  );
}

/** The whole run's verdict: what failed decides, then what is inconclusive; skipped checks are told and decide nothing. Pure. */
export function verdictOf(results: readonly CheckResult[]): {
  readonly verdict: Verdict;
  readonly reason?: string;
} {
  const named = (verdict: Verdict) =>
    results.filter((result) => result.verdict === verdict).map(({ name }) => name);
  for (const verdict of ["failed", "inconclusive"] as const) {
    const names = named(verdict);
    if (names.length > 0) return { verdict, reason: `${verdict}: ${names.join(", ")}` };
  }
  return { verdict: "passed" };
}

async function timelineIfStarted(world: World, startup: CheckResult): Promise<readonly Event[]> {
  const node = world.nodes.running;
  if (node === undefined) return [];
  const events = timelineOf(await node.logs(), node.started);
  return startup.verdict === "passed" ? withHealth(events, startup.measured ?? {}) : events;
}

/** A check as a person reads it. Pure. */
export function checkLine({
  name,
  verdict,
  reason,
  seconds = 0,
}: {
  readonly name: string;
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  readonly seconds?: number | undefined;
}): string {
  return `${verdict.padEnd(12)}  ${name.padEnd(9)}  ${seconds.toFixed(1).padStart(6)} s${reason === undefined ? "" : `  ${reason}`}`;
}
