import { RemoteError } from "../errors.ts";
import { type Format, parseExposition } from "./exposition.ts";
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

/** One sample of a node by its name and labels; undefined where it cannot be had. */
export async function sampleOf(
  node: RunningNode,
  name: string,
  labels: Readonly<Record<string, string>>,
  world: Pick<World, "fetch" | "signal">,
): Promise<number | undefined> {
  const page = await askMetrics(node, "openmetrics", world);
  if (typeof page === "string" || page.status !== 200) return undefined;
  try {
    return parseExposition(page.text, "openmetrics")
      .flatMap(({ samples }) => samples)
      .find(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      )?.value;
  } catch {
    return undefined;
  }
}

/** Waits until a sample is as wanted; the last value, and whether that was it. */
export async function awaitSample(
  node: RunningNode,
  what: { name: string; labels?: Readonly<Record<string, string>> },
  wanted: (value: number) => boolean,
  seconds: number,
  world: Pick<World, "fetch" | "clock" | "signal">,
): Promise<{ readonly met: boolean; readonly last: number | undefined }> {
  const until = world.clock.now() + seconds * 1000;
  for (;;) {
    const last = await sampleOf(node, what.name, what.labels ?? {}, world);
    if (last !== undefined && wanted(last)) return { met: true, last };
    if (world.clock.now() >= until) return { met: false, last };
    await world.clock.sleep(200, world.signal);
  }
}
