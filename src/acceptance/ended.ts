import type { RunningNode } from "./node.ts";

/** Milliseconds between two looks. */
const every = 1_000;

/** How a node came to its end, with its last words; undefined while it runs. */
export async function endOf(node: RunningNode): Promise<string | undefined> {
  const { running, exitCode, outOfMemory, error } = await node.state();
  if (running) return undefined;
  if (error !== undefined) return `it could not be started: ${error}`;
  const words = (await node.logs()).findLast(({ text }) => text.trim() !== "")?.text.trim();
  const said = words === undefined ? "it said nothing" : `its last words: ${words}`;
  if (outOfMemory) return `it used up its memory and was killed; ${said}`;
  return exitCode === undefined
    ? `it was ended by a signal; ${said}`
    : `it ended by itself with exit code ${exitCode}; ${said}`;
}

/** Aborts when the node ends; looks once a second until it is stopped. */
export function watchEnd(node: RunningNode): {
  readonly signal: AbortSignal;
  stop(): void;
} {
  const ended = new AbortController();
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    const running = await node.state().then(
      (state) => state.running,
      () => true,
    );
    busy = false;
    if (!running) ended.abort(new Error("the node ended"));
  }, every);
  timer.unref();
  return { signal: ended.signal, stop: () => clearInterval(timer) };
}
