import { type Check, failed, judged } from "../check.ts";
import { endOf } from "../ended.ts";
import { awaitMeeting } from "../meeting.ts";
import { askMetrics, awaitSample, sampleOf } from "../metrics-page.ts";
import type { LogLine, RunningNode } from "../node.ts";
import type { World } from "../world.ts";

/** Seconds within which it must end when nothing is in flight, so that a plain `docker stop` never kills. */
const idleSeconds = 10;
const departures = { name: "nsn_p2p_departures_total", labels: { reason: "announced" } };

/** SIGTERM while others are connected: announced, drained, flushed, exit 0 in time; a second SIGTERM does no harm. */
export const shutdown: Check = {
  name: "shutdown",
  after: ["startup"],
  endsNode: true,
  seconds: ({ limits }) => 2 * limits.shutdownSeconds + 120,
  run: async (world) => {
    const { nodes, limits } = world;
    const node = nodes.main;
    const heard = await hearDeparture(world);
    const gone = await endOf(node);
    if (gone !== undefined) return failed(gone);
    const begun = world.clock.now();
    const { end, again, complaints } = await terminate(node, world);
    if (end === undefined) return failed(`it still runs ${limits.shutdownSeconds} s after SIGTERM`);
    const silence = await heard();
    const left = await node.leftovers();
    const idle = await idleEnd(world);
    return judged(
      [
        ...endComplaints(end, again),
        ...complaints,
        ...(silence === undefined ? [] : [silence]),
        ...complaintsOf(await node.logs()),
        ...left.map(({ name, pid }) => `it has left ${name} (${pid}) running`),
        ...(idle.complaint === undefined ? [] : [idle.complaint]),
      ],
      {
        seconds: Math.max(0, (end.at - begun) / 1000),
        ...(idle.seconds === undefined ? {} : { idleSeconds: idle.seconds }),
      },
      { seconds: limits.shutdownSeconds, idleSeconds },
    );
  },
};

/** What the second node hears of the departure: a question for afterwards, whose answer is why it has heard nothing. */
async function hearDeparture(world: World): Promise<() => Promise<string | undefined>> {
  const second = await world.nodes.second(world.signal);
  const met = await awaitMeeting(world);
  if (!met.met) return async () => `nobody could hear of its departure: ${met.why}`;
  const before = await sampleOf(second, departures.name, departures.labels, world);
  const least = typeof before === "number" ? before + 1 : 1;
  return async () => {
    const heard = await awaitSample(second, { ...departures, least }, 5, world);
    return heard.met ? undefined : `the second node was not told of its departure (${heard.why})`;
  };
}

interface End {
  readonly at: number;
  readonly exitCode: number | undefined;
}

interface Termination {
  /** Undefined where it does not come in time. */
  readonly end: End | undefined;
  /** When the second SIGTERM was sent. */
  readonly again: number;
  readonly complaints: readonly string[];
}

/** SIGTERM with a call in flight, and once more while it ends. */
async function terminate(node: RunningNode, world: World): Promise<Termination> {
  const { clock, signal, limits } = world;
  const calls = await world.grpc(node, signal);
  try {
    const connected = calls.connect();
    await connected.catch(() => undefined);
    const call = flying(connected.then(() => calls.generateSlot(9_001, "in flight", 30_000)));
    await clock.sleep(50, signal);
    const refused = call.trouble;
    await node.signal("SIGTERM");
    const drain = metricsMeanwhile(call, node, world);
    drain.catch(() => undefined); // told where it is waited for
    await clock.sleep(200, signal);
    const again = clock.now();
    await node.signal("SIGTERM");
    const end = await awaitEnd(node, limits.shutdownSeconds, world);
    if (end === undefined) return { end, again, complaints: [] };
    await call.ended;
    const silent = await drain;
    const complaints = [
      ...(refused === undefined ? [] : [`no gRPC call could be put in flight: ${refused}`]),
      ...(refused === undefined && call.trouble !== undefined
        ? [`the gRPC call in flight was cut off: ${call.trouble}`]
        : []),
      ...(silent === undefined ? [] : [`its metrics were gone before the drain ended: ${silent}`]),
    ];
    return { end, again, complaints };
  } finally {
    calls.close();
  }
}

interface Flying {
  pending: boolean;
  trouble: string | undefined;
  readonly ended: Promise<void>;
}

/** A call and what has become of it so far. */
function flying(call: Promise<unknown>): Flying {
  const end = (trouble?: string) => {
    flight.pending = false;
    flight.trouble = trouble;
  };
  const flight: Flying = {
    ...{ pending: true, trouble: undefined },
    ended: call.then(
      () => end(),
      (error) => end(error instanceof Error ? error.message : String(error)),
    ),
  };
  return flight;
}

/** Asks for /metrics as long as a call is in flight; why one answer was none. */
async function metricsMeanwhile(
  call: Flying,
  node: RunningNode,
  world: World,
): Promise<string | undefined> {
  while (call.pending) {
    const page = await askMetrics(node, "openmetrics", world);
    const ended = !call.pending || !(await node.state()).running;
    if (ended) return undefined;
    if (typeof page === "string") return page;
    if (page.status !== 200) return `/metrics answers ${page.status}`;
    await world.clock.sleep(50, world.signal);
  }
  return undefined;
}

/** SIGTERM as soon as it runs, with nothing in flight. */
async function idleEnd(
  world: World,
): Promise<{ readonly complaint?: string; readonly seconds?: number }> {
  const { clock, limits, nodes } = world;
  const node = await nodes.another("early-end");
  try {
    // Before its first word it may not have heard of signals yet.
    await awaitLog(node, limits.startupSeconds, world);
    const begun = clock.now();
    await node.signal("SIGTERM");
    const end = await awaitEnd(node, limits.shutdownSeconds, world);
    if (end === undefined)
      return {
        complaint: `told to stop during its start, it still runs after ${limits.shutdownSeconds} s`,
      };
    const seconds = Math.max(0, (end.at - begun) / 1000);
    const [wrong] = endComplaints(end, Number.POSITIVE_INFINITY);
    if (wrong !== undefined)
      return { seconds, complaint: `told to stop during its start: ${wrong}` };
    return seconds < idleSeconds
      ? { seconds }
      : {
          seconds,
          complaint: `with nothing in flight it took ${seconds.toFixed(1)} s to end, ${idleSeconds} s are allowed`,
        };
  } finally {
    await node.remove();
  }
}

async function awaitLog(
  node: RunningNode,
  seconds: number,
  { clock, signal }: World,
): Promise<void> {
  const until = clock.now() + seconds * 1000;
  while ((await node.logs()).length === 0 && clock.now() < until) await clock.sleep(100, signal);
}

/** When and how it ended; undefined if it did not in time. */
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

/** What is wrong with an end after SIGTERM, `again` being when the second one was sent. Pure. */
export function endComplaints({ exitCode, at }: End, again: number): readonly string[] {
  if (exitCode === 0) return [];
  // 128 and the signal's number, as containers tell it; a process of this machine has no exit code then.
  if (exitCode !== undefined && exitCode !== 143) return [`it ended with exit code ${exitCode}`];
  return [
    at < again
      ? "SIGTERM ended it as it ends a program that does not handle it"
      : "a second SIGTERM cut its end short",
  ];
}

/** What the last words lack. Pure. */
export function complaintsOf(logs: readonly LogLine[]): readonly string[] {
  return [...sidecarComplaints(logs), ...flushComplaints(logs)];
}

/** The reference node says how its sidecar came to its end; a node that does not is not asked. */
function sidecarComplaints(logs: readonly LogLine[]): readonly string[] {
  const said = logs.flatMap(({ text }) => /Sidecar ended by SIGTERM: (.*)$/.exec(text)?.[1] ?? []);
  const how = said.at(-1)?.trim() ?? "exit status: 0";
  return how === "exit status: 0"
    ? []
    : [`the sidecar was not ended by its own handler of SIGTERM (${how})`];
}

function flushComplaints(logs: readonly LogLine[]): readonly string[] {
  const flushed = logs.filter(({ text }) => text.includes("Metrics flushed: "));
  if (flushed.length !== 1)
    return [`the log has ${flushed.length} lines "Metrics flushed: {json}", one is wanted`];
  const text = flushed[0]?.text.replace(/^.*Metrics flushed: /, "") ?? "";
  try {
    const metrics = JSON.parse(text) as object;
    return typeof metrics === "object" && metrics !== null
      ? []
      : ["the flushed metrics are no object"];
  } catch {
    return ["what follows Metrics flushed: is not JSON"];
  }
}
