import { RemoteError } from "../errors.ts";
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

/** What is wrong with a body, in words; nothing where it is as documented. Pure. */
export function complaintsOf(body: HealthBody | undefined): readonly string[] {
  if (body === undefined) return ["/health gives no JSON object"];
  const { status, checks, version } = body;
  return [
    ...(status === "healthy" || status === "unhealthy"
      ? []
      : [`its status is ${JSON.stringify(status)}`]),
    ...(typeof version === "string" && version !== "" ? [] : ["it names no version"]),
    ...["p2p_connected", "models_loaded", "chain_synced"]
      .filter((name) => typeof checks?.[name]?.ok !== "boolean")
      .map((name) => `it does not tell the check ${name}`),
  ];
}

/** The checks that fail in a body, with their reasons. Pure. */
export function failing(body: HealthBody | undefined): string {
  return Object.entries(body?.checks ?? {})
    .filter(([, check]) => check?.ok === false)
    .map(([name, { detail }]) => `${name}: ${detail}`)
    .join("; ");
}

/** Waits until an answer is as wanted; the last answer, and whether that was it. */
export async function awaitHealth(
  node: RunningNode,
  wanted: (health: Health) => boolean,
  seconds: number,
  world: Pick<World, "fetch" | "clock" | "signal">,
): Promise<{ readonly met: boolean; readonly last: Health | string; readonly seconds: number }> {
  const begun = world.clock.now();
  for (;;) {
    const last = await askHealth(node, world);
    const passed = (world.clock.now() - begun) / 1000;
    if (typeof last !== "string" && wanted(last)) return { met: true, last, seconds: passed };
    if (passed >= seconds || !(await node.state()).running)
      return { met: false, last, seconds: passed };
    await world.clock.sleep(200, world.signal);
  }
}

/** An answer in a few words, for a reason. Pure. */
export function describe(health: Health | string): string {
  if (typeof health === "string") return health;
  const why = failing(health.body);
  return `/health answers ${health.status}${why === "" ? "" : ` (${why})`}`;
}
