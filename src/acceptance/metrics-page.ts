import { RemoteError } from "../errors.ts";
import { endingOf } from "./ended.ts";
import type { Format } from "./exposition.ts";
import type { RunningNode } from "./node.ts";
import type { World } from "./world.ts";

export interface MetricsPage {
  readonly status: number;
  /** Content-Type */
  readonly type: string;
  readonly text: string;
}

const accept: Readonly<Record<Format, string>> = {
  prometheus: "text/plain;version=0.0.4",
  openmetrics: "application/openmetrics-text;version=1.0.0",
};

/** Asks for /metrics in a format; a string says why there is no answer. */
export async function askMetrics(
  node: RunningNode,
  format: Format,
  { fetch, signal }: Pick<World, "fetch" | "signal">,
): Promise<MetricsPage | string> {
  try {
    const response = await fetch({
      ...{ method: "GET", url: new URL("/metrics", node.http), signal, idleTimeout: 3_000 },
      headers: { accept: accept[format] },
    });
    const type = response.headers["content-type"] ?? "";
    return { status: response.status, type, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RemoteError)) throw error;
    return error.message;
  }
}

/** Seconds for which a page may be unreadable before nobody waits for it any more. */
const patience = 5;

export type Labels = Readonly<Record<string, string>>;

/** What a sample came to: the value that was waited for, or why it did not come, in words; `late`: it could be read all the time. */
export type Awaited =
  | { readonly met: true; readonly value: number }
  | { readonly met: false; readonly why: string; readonly late: boolean };

/** One sample of a node by its name and labels: undefined where the page has none, a string that says why there is no page. */
export async function sampleOf(
  node: RunningNode,
  name: string,
  labels: Labels,
  world: Pick<World, "fetch" | "signal">,
): Promise<number | string | undefined> {
  const page = await askMetrics(node, "openmetrics", world);
  if (typeof page === "string") return page;
  return page.status === 200
    ? sampleIn(page.text, name, labels)
    : `/metrics answers ${page.status}`;
}

/** The value of a line, whatever is wrong with the page around it: that is for the check `metrics` to say. Pure. */
export function sampleIn(text: string, name: string, labels: Labels = {}): number | undefined {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  for (const line of text.split("\n")) {
    const [, found, inner = "", value = ""] = /^([^\s{#]+)(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
    const number = Number(value);
    if (found === name && !Number.isNaN(number) && wanted.every((pair) => inner.includes(pair)))
      return number;
  }
  return undefined;
}

/** Waits until a sample has come to the least that is wanted. `needs` are nodes without which it cannot come: with their end, so ends the wait. */
export async function awaitSample(
  node: RunningNode,
  what: { name: string; labels?: Labels; least: number; needs?: readonly RunningNode[] },
  seconds: number,
  world: Pick<World, "fetch" | "clock" | "signal">,
): Promise<Awaited> {
  const { name, labels = {}, least, needs = [] } = what;
  const { clock, signal } = world;
  const until = clock.now() + seconds * 1000;
  let readable = clock.now();
  for (;;) {
    const seen = await sampleOf(node, name, labels, world);
    if (typeof seen === "number" && seen >= least) return { met: true, value: seen };
    for (const one of [node, ...needs]) {
      const end = await endingOf(one);
      if (end !== undefined) return { met: false, why: `${called(one)} ${end}`, late: false };
    }
    if (typeof seen !== "string") readable = clock.now();
    if (clock.now() >= Math.min(until, readable + patience * 1000)) {
      const why = `${name} of ${called(node)} ${wordsOf(seen)}`;
      return { met: false, why, late: typeof seen !== "string" };
    }
    await clock.sleep(200, signal);
  }
}

function called({ name }: RunningNode): string {
  return `the ${name}`;
}

function wordsOf(seen: number | string | undefined): string {
  if (seen === undefined) return "is not on its /metrics";
  return typeof seen === "string" ? `cannot be read: ${seen}` : `is ${seen}`;
}
