import { type Check, type Finding, failed, inconclusive, judged } from "../check.ts";
import { type Drain, holdHttp, takeOff, watchDrain } from "../drain.ts";
import { awaitEnd, endsWithoutWork, judgeEnd, type Termination } from "../end.ts";
import { wordsComplaints, wordsSince } from "../last-words.ts";
import { awaitMeeting } from "../meeting.ts";
import { awaitSample, sampleOf } from "../metrics-page.ts";
import type { World } from "../world.ts";

/** Seconds within which it must end when nothing is in flight, so that a plain `docker stop` never kills. */
const idleSeconds = 10;
const departures = { name: "nsn_p2p_departures_total", labels: { reason: "announced" } };

/** SIGTERM with work in flight, with nothing in flight, and during the start: announced, drained, flushed, exit 0 in time; a second SIGTERM does no harm. */
export const shutdown: Check = {
  name: "shutdown",
  after: ["startup"],
  endsNode: true,
  seconds: ({ limits }) => 4 * limits.shutdownSeconds + limits.startupSeconds + 120,
  run: async (world) => {
    const { limits } = world;
    const loaded = await endUnderLoad(world);
    if (loaded.seconds === undefined) return failed(loaded.complaints.join("; "));
    const { idle, early } = await endsWithoutWork(idleSeconds, world);
    const complaints = [
      ...loaded.complaints,
      ...idle.complaints.map((complaint) => `with nothing in flight: ${complaint}`),
      ...early.complaints.map((complaint) => `told to stop during its start: ${complaint}`),
    ];
    const measured = {
      ...{
        seconds: loaded.seconds,
        callsInFlight: loaded.inFlight,
        metricsAnswers: loaded.metrics,
      },
      ...(loaded.refusedSeconds === undefined ? {} : { refusedSeconds: loaded.refusedSeconds }),
      ...(idle.seconds === undefined ? {} : { idleSeconds: idle.seconds }),
      ...(early.seconds === undefined ? {} : { startSeconds: early.seconds }),
    };
    const limit = { seconds: limits.shutdownSeconds, idleSeconds, startSeconds: idleSeconds };
    return conclude(complaints, measured, limit);
  },
};

/** Without a call in flight when SIGTERM came, nothing was seen of its end. */
function conclude(
  complaints: readonly string[],
  measured: { readonly callsInFlight: number },
  limit: Finding["limit"],
): Finding {
  return complaints.length === 0 && measured.callsInFlight === 0
    ? inconclusive("every gRPC call had ended before SIGTERM was there", measured, limit)
    : judged(complaints, measured, limit);
}

interface LoadedEnd extends Termination {
  /** Calls that had not ended when SIGTERM was sent. */
  readonly inFlight: number;
  readonly metrics: number;
  readonly refusedSeconds: number | undefined;
}

/** SIGTERM, twice, with slots being generated and open connections of HTTP, gRPC and P2P. */
async function endUnderLoad(world: World): Promise<LoadedEnd> {
  const { nodes, limits, clock, signal } = world;
  const node = nodes.main;
  const heard = await hearDeparture(world);
  const release = await holdHttp(node, signal);
  const stop = new AbortController();
  const watching = AbortSignal.any([signal, stop.signal]);
  const calls = await world.grpc(node);
  try {
    const lines = (await node.logs()).length;
    const flight = await takeOff(calls, world);
    const inFlight = flight.pending();
    const begun = clock.now();
    await node.signal("SIGTERM");
    const drain = watchDrain(flight, node, calls, { ...world, signal: watching });
    // Where it does not end, nobody waits for what was seen.
    drain.catch(() => undefined);
    await clock.sleep(500, signal);
    const again = clock.now();
    await node.signal("SIGTERM");
    const limit = limits.shutdownSeconds;
    const asked = { begun, again, limit, waited: limit };
    const end = judgeEnd(await awaitEnd(node, limit, world), asked);
    if (end.seconds === undefined)
      return { ...end, inFlight, metrics: 0, refusedSeconds: undefined };
    const seen = await drain;
    const complaints = [
      ...end.complaints,
      ...(await heard()),
      ...(flight.trouble === undefined
        ? cutOff(await flight.errors)
        : [`no gRPC call could be put in flight: ${flight.trouble}`]),
      ...(inFlight === 0 ? [] : drainComplaints(seen)),
      ...(await node.leftovers()).map(({ name, pid }) => `it has left ${name} (${pid}) running`),
      ...wordsComplaints(await wordsSince(lines, node, world), await node.metricsFile()),
    ];
    const { metrics, refused } = seen;
    const refusedSeconds = refused === undefined ? undefined : (refused - begun) / 1000;
    return { seconds: end.seconds, complaints, inFlight, metrics, refusedSeconds };
  } finally {
    stop.abort();
    calls.close();
    release();
  }
}

/** What the second node hears of the departure; to be asked when the node has gone. */
async function hearDeparture(world: World): Promise<() => Promise<readonly string[]>> {
  const second = await world.nodes.second();
  const connected = await awaitMeeting(world);
  if (!connected.met)
    return async () => [
      `no second node was connected that could hear of its departure (${connected.why})`,
    ];
  const { name, labels } = departures;
  const before = await sampleOf(second, name, labels, world);
  const least = (typeof before === "number" ? before : 0) + 1;
  return async () => {
    const announced = await awaitSample(second, { ...departures, least }, 5, world);
    return announced.met ? [] : ["the second node was not told of its departure"];
  };
}

function cutOff(errors: readonly string[]): readonly string[] {
  return errors.length === 0
    ? []
    : [`${errors.length} of the gRPC calls in flight were cut off: ${errors[0]}`];
}

/** What was wrong while work was in flight. Pure. */
export function drainComplaints({ metrics, silent, refused }: Drain): readonly string[] {
  return [
    ...(silent === undefined && metrics > 0
      ? []
      : [`its metrics were gone before the drain ended: ${silent ?? "no answer came"}`]),
    ...(refused === undefined ? ["new gRPC calls were taken until the drain had ended"] : []),
  ];
}
