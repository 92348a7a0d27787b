import { explain } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exec } from "../ports/exec.ts";
import type { Fetch } from "../ports/fetch.ts";
import type { Log } from "../ports/log.ts";
import { type Chain, startChain } from "./chain.ts";
import type { Check, CheckName, CheckResult, Finding, Verdict } from "./check.ts";
import { failed, skipped } from "./check.ts";
import { checks } from "./checks.ts";
import { watchEnd } from "./ended.ts";
import type { Gpus } from "./gpus.ts";
import { connectGrpc } from "./grpc.ts";
import type { Target } from "./node.ts";
import { type AllNodes, type NodeLine, nodesOf } from "./nodes.ts";
import { type Event, timelineOf, withHealth } from "./timeline.ts";
import { type VramSample, type VramSeries, watchVram } from "./vram-series.ts";
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
  /** What the nodes said, where a check failed. */
  readonly logs: readonly NodeLine[];
}

/** Milliseconds that a check which was told to end has to put in order what it changed. */
const grace = 1_000;
/** Milliseconds after which it is known whether a node that went silent has ended. */
const settling = 500;
/** Milliseconds that looking at the nodes may take after a check. */
const patience = 30_000;

/** What lives as long as the run; a check sees it under a signal of its own. */
interface Run {
  readonly nodes: AllNodes;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly under: (signal: AbortSignal) => World;
}

/** Starts the target, checks it and takes away everything that was made, whatever happens. A check that fails is no error. */
export async function accept(
  target: Target,
  options: AcceptOptions,
  ports: AcceptPorts,
): Promise<Acceptance> {
  const { clock, signal } = ports;
  const { limits, gpus, protos } = options;
  let chain: Chain | undefined;
  let vram: VramSeries | undefined;
  try {
    if (options.chainUrl === undefined) chain = await startChain(target.hostAddress, clock.now);
    const nodes = nodesOf(target, { chainUrl: options.chainUrl ?? chain?.url ?? "", signal });
    const series = watchVram(gpus, () => nodes.running, clock);
    vram = series;
    const under = (until: AbortSignal): World => ({
      ...{ ...ports, ...options, chain, vram: series, signal: until },
      target: target.under(until),
      nodes: nodes.under(until),
      grpc: (node) => connectGrpc(node.grpc, protos, { now: clock.now, signal: until }),
    });
    const found = await runChecks({ nodes, signal, clock, under }, ports.log);
    const samples = { samples: [...series.samples], limitBytes: limits.vramBytes };
    return { target: target.kind, ...found, vram: samples };
  } finally {
    vram?.stop();
    await Promise.all([chain?.close(), target.close()]);
  }
}

async function runChecks(
  run: Run,
  log: Pick<Log, "info">,
): Promise<Omit<Acceptance, "target" | "vram">> {
  const results: CheckResult[] = [];
  let timeline: readonly Event[] = [];
  let gone: CheckName | undefined;
  for (const check of checks) {
    const { result, ended } = await runCheck(check, results, run, gone);
    if (ended) gone = check.name;
    results.push(result);
    log.info(checkLine(result));
    if (check.name === "startup") timeline = await timelineIfStarted(run, result);
    run.signal.throwIfAborted();
  }
  const verdict = verdictOf(results);
  const logs =
    verdict.verdict === "failed" ? await afterwards(run, (signal) => run.nodes.logs(signal)) : [];
  return { ...verdict, checks: results, timeline, logs };
}

/**
 * Runs one check under its own signal and the run's, and says whether the node under test has ended by itself meanwhile: no later check can
 * see anything of it. `gone`: the check during which it did.
 */
export async function runCheck(
  check: Check,
  before: readonly CheckResult[],
  run: Run,
  gone?: CheckName,
): Promise<{ readonly result: CheckResult; readonly ended: boolean }> {
  const begun = run.clock.now();
  const blocking = gone ?? blockedBy(check, before);
  const finding =
    blocking === undefined ? await findingOf(check, run) : skipped(`after ${blocking}`);
  const seconds = (run.clock.now() - begun) / 1000;
  const result = { name: check.name, ...finding, seconds };
  if (finding.verdict !== "failed") return { result, ended: false };
  // A connection breaks a moment before its process has ended.
  await run.clock.sleep(settling, run.signal);
  const endings = await afterwards(run, (signal) => run.nodes.endings(signal));
  return {
    result: { ...result, reason: becauseOf(endings, finding.reason ?? "") },
    ended: check.endsNode !== true && endings.some((ending) => ending.startsWith("it ")),
  };
}

async function findingOf(check: Check, { nodes, signal: stop, under }: Run): Promise<Finding> {
  const seconds = check.seconds(under(stop));
  const timeout = AbortSignal.timeout(seconds * 1000);
  const watch =
    check.endsNode === true || nodes.running === undefined ? undefined : watchEnd(nodes.running);
  const signal = AbortSignal.any([stop, timeout, ...(watch === undefined ? [] : [watch.signal])]);
  const tooLong = failed(`it did not come to an end within ${seconds} s`);
  try {
    const finding = await Promise.race([check.run(under(signal)), endOf(signal)]);
    stop.throwIfAborted();
    return timeout.aborted ? tooLong : finding;
  } catch (error) {
    stop.throwIfAborted();
    if (timeout.aborted) return tooLong;
    if (watch?.signal.aborted) return failed("it ended");
    return failed(explain(error).replaceAll(/\s*\n\s*/g, " "));
  } finally {
    watch?.stop();
  }
}

/** Rejects a moment after a signal was aborted: a check that waits for something else than its signal is left to itself. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => setTimeout(() => reject(signal.reason), grace));
  });
}

/** What can be learnt of the nodes after a check; nothing where they do not answer any more. */
async function afterwards<T>(
  { signal }: Pick<Run, "signal">,
  look: (signal: AbortSignal) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await look(AbortSignal.any([signal, AbortSignal.timeout(patience)]));
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** Why a check failed: first, where it does not say so itself, that a node had ended. Pure. */
export function becauseOf(ended: readonly string[], reason: string): string {
  if (reason === "it ended" && ended.length > 0) return ended.join("; ");
  const said = /ended by itself|could not be started|used up its memory/.test(reason);
  return said ? reason : [...ended, reason].join("; ");
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

async function timelineIfStarted(run: Run, startup: CheckResult): Promise<readonly Event[]> {
  const node = run.nodes.running;
  if (node === undefined) return [];
  const logs = await afterwards(run, (signal) => node.under(signal).logs());
  const events = timelineOf(logs, node.started);
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
