import { isError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { startChain } from "./chain.ts";
import type { Check, CheckName, CheckResult, Finding, Verdict } from "./check.ts";
import { failed, skipped } from "./check.ts";
import { checks } from "./checks.ts";
import { endOf, watchEnd } from "./ended.ts";
import type { Gpus } from "./gpus.ts";
import { connectGrpc } from "./grpc.ts";
import type { LogLine, Target } from "./node.ts";
import { nodesOf } from "./nodes.ts";
import { type Event, timelineOf } from "./timeline.ts";
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
    grpc: (node, signal) => connectGrpc(node.grpc, { protos, now: clock.now, signal }),
  };
  let timeline: readonly Event[] = [];
  try {
    const results: CheckResult[] = [];
    let gone: CheckName | undefined;
    for (const check of checks) {
      const begun = clock.now();
      const { finding, ended } = await findingOf(check, gone ?? blockedBy(check, results), world);
      if (ended) gone = check.name;
      const result = { name: check.name, ...finding, seconds: (clock.now() - begun) / 1000 };
      results.push(result);
      log.info(checkLine(result));
      if (check.name === "startup") timeline = await timelineIfStarted(world, result);
      signal.throwIfAborted();
    }
    const verdict = verdictOf(results);
    const keep = verdict.verdict === "failed" && nodes.running !== undefined;
    const logs = keep ? await nodes.main.logs() : [];
    const samples = { samples: [...vram.samples], limitBytes: limits.vramBytes };
    return { target: target.kind, ...verdict, checks: results, timeline, vram: samples, logs };
  } finally {
    vram.stop();
    await chain?.stop();
    await target.close();
  }
}

/** Runs a check, and says whether the node under test has ended by itself meanwhile: no later check can see anything of it. */
async function findingOf(
  check: Check,
  blocking: CheckName | undefined,
  world: World,
): Promise<{ readonly finding: Finding; readonly ended: boolean }> {
  if (blocking !== undefined) return { finding: skipped(`after ${blocking}`), ended: false };
  const node = check.endsNode === true ? undefined : world.nodes.running;
  const watch = node === undefined ? undefined : watchEnd(node);
  const seconds = check.seconds(world);
  const timeout = AbortSignal.timeout(seconds * 1000);
  const ending = watch === undefined ? [] : [watch.signal];
  const signal = AbortSignal.any([world.signal, timeout, ...ending]);
  const finding = await check.run({ ...world, signal }).catch((error: unknown) => {
    world.signal.throwIfAborted();
    if (timeout.aborted) return failed(`it did not come to an end within ${seconds} s`);
    return failed(isError(error) ? error.message : String(error));
  });
  watch?.stop();
  if (node === undefined || finding.verdict !== "failed") return { finding, ended: false };
  // A connection breaks a moment before its process has ended.
  await world.clock.sleep(ending.some(({ aborted }) => aborted) ? 0 : 500, world.signal);
  const end = await endOf(node);
  return end === undefined
    ? { finding, ended: false }
    : { finding: failed(end, finding.measured, finding.limit), ended: true };
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
  const healthy = startup.measured?.["healthySeconds"];
  return startup.verdict === "passed" && typeof healthy === "number"
    ? [...events, { what: "healthy", seconds: healthy }].sort((a, b) => a.seconds - b.seconds)
    : events;
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
