import { isDeepStrictEqual } from "node:util";
import type { LogLine, RunningNode } from "./node.ts";
import type { World } from "./world.ts";

const flush = "Metrics flushed: ";
const sidecar = "Sidecar ended by SIGTERM: ";

/** What a node has said since its log had so many lines; the last of it may come a moment after the end. */
export async function wordsSince(
  lines: number,
  node: RunningNode,
  { clock, signal }: Pick<World, "clock" | "signal">,
): Promise<readonly LogLine[]> {
  for (const until = clock.now() + 2_000; ; ) {
    const words = (await node.logs()).slice(lines);
    if (words.some(({ text }) => text.includes(flush)) || clock.now() >= until) return words;
    await clock.sleep(100, signal);
  }
}

/** What the last words lack, `file` being what METRICS_FILE has. Pure. */
export function wordsComplaints(
  words: readonly LogLine[],
  file: string | undefined,
): readonly string[] {
  return [...sidecarComplaints(words), ...flushComplaints(words, file)];
}

function sidecarComplaints(words: readonly LogLine[]): readonly string[] {
  const line = words.find(({ text }) => text.includes(sidecar))?.text;
  if (line === undefined) return [`the log has no line "${sidecar}…"`];
  const how = line.slice(line.indexOf(sidecar) + sidecar.length);
  return /^exit status: 0\b/.test(how)
    ? []
    : [`the sidecar was not ended by its own handler of SIGTERM (${how.trim()})`];
}

function flushComplaints(words: readonly LogLine[], file: string | undefined): readonly string[] {
  const flushed = words.filter(({ text }) => text.includes(flush));
  if (flushed.length !== 1)
    return [`the log has ${flushed.length} lines "${flush}{json}", one is wanted`];
  const text = flushed[0]?.text ?? "";
  const said = parsed(text.slice(text.indexOf(flush) + flush.length));
  if (said === undefined) return ["what follows Metrics flushed: is not JSON"];
  if (typeof said !== "object" || said === null) return ["the flushed metrics are no object"];
  if (file === undefined) return ["METRICS_FILE was not written"];
  return isDeepStrictEqual(parsed(file), said)
    ? []
    : ["METRICS_FILE has not the metrics that the log has"];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
