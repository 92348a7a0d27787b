import { connect } from "node:net";
import type { NodeGrpc } from "./grpc.ts";
import { askMetrics, awaitSample, sampleOf } from "./metrics-page.ts";
import type { RunningNode } from "./node.ts";
import type { World } from "./world.ts";

/** Slots that a node works on while it is told to end. */
export interface Flight {
  /** How many of the calls have not ended. */
  pending(): number;
  /** Settles when all have; the errors of those that failed. */
  readonly errors: Promise<readonly string[]>;
  /** Why no call could be made at all. */
  readonly trouble?: string;
}

/** Seconds that the work in flight shall last, and the most calls for it. */
const wanted = { seconds: 2.5, calls: 40 };
const recipes = { name: "nsn_p2p_messages_total", labels: { topic: "nsn/recipes" } };

/** Gives a node some seconds of work. The calls have reached it: the second node has their recipes, or they are unanswered after a second. */
export async function takeOff(calls: NodeGrpc, world: World): Promise<Flight> {
  const second = await world.nodes.second();
  // The shorter of two: one alone may have met a busy moment, and the others then end too early.
  let seconds = Number.POSITIVE_INFINITY;
  const measure = async () => {
    for (const slot of [8_999, 9_000]) {
      const made = await calls.generateSlot(slot, "the time it takes", 60_000);
      seconds = Math.min(seconds, made.seconds);
    }
  };
  const [trouble] = await fly([measure()]).errors;
  world.signal.throwIfAborted();
  if (trouble !== undefined) return { ...fly([]), trouble };
  let count = Math.max(1, Math.ceil(wanted.seconds / Math.max(seconds, 0.001)));
  for (let tries = 3; ; tries -= 1) {
    count = Math.min(count, wanted.calls);
    const before = await sampleOf(second, recipes.name, recipes.labels, world);
    const least = (typeof before === "number" ? before : 0) + count;
    const begun = world.clock.now();
    const flight = fly(
      Array.from({ length: count }, (_, at) =>
        calls.generateSlot(9_001 + at, `in flight ${tries}.${at}`, 60_000),
      ),
    );
    await awaitSample(second, { ...recipes, least }, 1, world);
    if (flight.pending() >= count / 2 || tries === 1) return flight;
    // Too little of it is left: as many as the seconds want by what these take.
    await flight.errors;
    count = Math.ceil((count * wanted.seconds * 1000) / (world.clock.now() - begun));
  }
}

function fly(calls: readonly Promise<unknown>[]): Flight {
  let pending = calls.length;
  const ends = calls.map((call) =>
    call
      .then(
        () => [],
        (error) => [error instanceof Error ? error.message : String(error)],
      )
      .finally(() => {
        pending -= 1;
      }),
  );
  return { pending: () => pending, errors: Promise.all(ends).then((all) => all.flat()) };
}

/** What was seen of a node from SIGTERM until its work in flight was done. */
export interface Drain {
  /** Answers of /metrics, and why one was none. */
  readonly metrics: number;
  readonly silent: string | undefined;
  /** Milliseconds since 1970 at which a new call was refused; undefined where none was. */
  readonly refused: number | undefined;
}

/** Watches a node that was told to end. */
export async function watchDrain(
  flight: Flight,
  node: RunningNode,
  calls: NodeGrpc,
  world: World,
): Promise<Drain> {
  const [pages, refused] = await Promise.all([
    metricsMeanwhile(flight, node, world),
    refusal(flight, calls, world),
  ]);
  return { ...pages, refused };
}

async function metricsMeanwhile(
  flight: Flight,
  node: RunningNode,
  world: World,
): Promise<Pick<Drain, "metrics" | "silent">> {
  let metrics = 0;
  do {
    const page = await askMetrics(node, "openmetrics", world);
    if (typeof page !== "string" && page.status === 200) metrics += 1;
    else if (flight.pending() > 0)
      return {
        metrics,
        silent: typeof page === "string" ? page : `/metrics answers ${page.status}`,
      };
    await world.clock.sleep(100, world.signal);
  } while (flight.pending() > 0);
  return { metrics, silent: undefined };
}

/** Makes new calls on the same connection as long as there is work in flight. What is taken waits for its turn, so nobody waits for it. */
async function refusal(
  flight: Flight,
  calls: NodeGrpc,
  { clock, signal }: World,
): Promise<number | undefined> {
  let refused: number | undefined;
  for (let slot = 9_500; refused === undefined && flight.pending() > 0; slot += 1) {
    calls.generateSlot(slot, "too late", 600).catch((error: unknown) => {
      const unavailable = error instanceof Error && error.message.startsWith("UNAVAILABLE");
      if (unavailable && flight.pending() > 0) refused ??= clock.now();
    });
    await clock.sleep(150, signal);
  }
  return refused;
}

/** Opens an HTTP connection that has been answered and stays open; the result closes it. */
export async function holdHttp(node: RunningNode, signal: AbortSignal): Promise<() => void> {
  const { hostname, port } = node.http;
  const socket = connect({ host: hostname, port: Number(port), signal });
  socket.on("error", () => socket.destroy());
  await new Promise<void>((resolve) => {
    socket.once("connect", () =>
      socket.write(`GET /health HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`),
    );
    socket.once("data", () => resolve());
    socket.once("close", () => resolve());
    socket.setTimeout(3_000, () => resolve());
  });
  return () => void socket.destroy();
}
