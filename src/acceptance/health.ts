import { inSentence, RemoteError } from "../errors.ts";
import type { RunningNode } from "./node.ts";
import type { World } from "./world.ts";

/** An answer of /health; `status` is HTTP's. */
export interface Health {
  readonly status: number;
  readonly body: HealthBody | undefined;
}

/** The documented body (design: "The reference node"). */
export interface HealthBody {
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
  readonly version: string;
  readonly peer_id?: string;
  /** Topics of each connected peer, by its id. */
  readonly peers?: Readonly<Record<string, readonly string[]>>;
}

/** Milliseconds that an answer may take. */
const patience = 3_000;

/** Asks once; a string says why there is no answer. */
export async function askHealth(
  node: RunningNode,
  { fetch, signal }: Pick<World, "fetch" | "signal">,
): Promise<Health | string> {
  try {
    const url = new URL("/health", node.http);
    const response = await fetch({ method: "GET", url, signal, idleTimeout: patience });
    const text = await response.text();
    return { status: response.status, body: bodyOf(text) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RemoteError)) throw error;
    return error.message;
  }
}

function bodyOf(text: string): HealthBody | undefined {
  try {
    const body = JSON.parse(text) as HealthBody;
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

const checkNames = ["p2p_connected", "models_loaded", "chain_synced"];

/** What is wrong with an answer whose checks are all good but those named, in words; nothing where it is as documented. Pure. */
export function complaintsOf(
  { status: code, body }: Health,
  bad: readonly string[],
): readonly string[] {
  if (body === undefined) return ["/health gives no JSON object"];
  const { status, checks, version } = body;
  const [wantedCode, wantedStatus] = bad.length === 0 ? [200, "healthy"] : [503, "unhealthy"];
  return [
    ...(code === wantedCode ? [] : [`it answers ${code}, not ${wantedCode}`]),
    ...(status === wantedStatus
      ? []
      : [`its status is ${JSON.stringify(status)}, not "${wantedStatus}"`]),
    ...(typeof version === "string" && version !== "" ? [] : ["it names no version"]),
    ...checkNames.flatMap((name) => {
      const ok = checks?.[name]?.ok;
      if (typeof ok !== "boolean") return [`it does not tell the check ${name}`];
      return ok === !bad.includes(name) ? [] : [`it says that ${name} is ${ok ? "good" : "bad"}`];
    }),
  ];
}

/** The checks that fail in a body, with their reasons. Pure. */
export function failing(body: HealthBody | undefined): string {
  return Object.entries(body?.checks ?? {})
    .filter(([, check]) => check?.ok === false)
    .map(([name, { detail }]) => `${name}: ${detail}`)
    .join("; ");
}

/** What is waited for: an answer, and within how many seconds of a moment (milliseconds since 1970) it must be there. */
export interface AwaitedHealth {
  readonly wanted: (health: Health) => boolean;
  readonly since: number;
  readonly seconds: number;
}

/** Waits until an answer is as wanted; the last answer, when it was there, and whether that was it, in time. */
export async function awaitHealth(
  node: RunningNode,
  { wanted, since, seconds }: AwaitedHealth,
  world: Pick<World, "fetch" | "clock" | "signal">,
): Promise<{ readonly met: boolean; readonly last: Health | string; readonly seconds: number }> {
  for (;;) {
    const last = await askHealth(node, world);
    const passed = (world.clock.now() - since) / 1000;
    if (typeof last !== "string" && wanted(last))
      return { met: passed <= seconds, last, seconds: passed };
    if (passed >= seconds || !(await node.state()).running)
      return { met: false, last, seconds: passed };
    await world.clock.sleep(200, world.signal);
  }
}

/** Starts the node under test again, after its end, and waits until it is healthy; seconds count from here. */
export async function startAgain(world: World): ReturnType<typeof awaitHealth> {
  const { nodes, limits, clock } = world;
  const since = clock.now();
  await nodes.main.restart();
  const wanted = { wanted: isHealthy, since, seconds: limits.startupSeconds };
  return awaitHealth(nodes.main, wanted, world);
}

export function isHealthy({ status }: Health): boolean {
  return status === 200;
}

/** An answer in a few words, for a reason. Pure. */
export function describe(health: Health | string): string {
  if (typeof health === "string") return inSentence(health);
  const why = failing(health.body);
  return `/health answers ${health.status}${why === "" ? "" : ` (${why})`}`;
}
