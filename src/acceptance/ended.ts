import type { NodeState, RunningNode } from "./node.ts";

/** Milliseconds between two looks. */
const every = 500;

/** How a node came to its end that nobody told to end, in words that follow its name; undefined where it runs, or was sent a signal. */
export async function endingOf(node: RunningNode): Promise<string | undefined> {
  const state = await node.state();
  if (state.running || state.signalled) return undefined;
  return state.error === undefined ? endedHow(node, state) : `could not be started: ${state.error}`;
}

/** What a node ended of, with its last words, in words that follow its name. */
export async function endedHow(
  node: RunningNode,
  { exitCode, outOfMemory }: Pick<NodeState, "exitCode" | "outOfMemory">,
): Promise<string> {
  const words = (await node.logs()).findLast(({ text }) => text.trim() !== "")?.text.trim();
  const said = words === undefined ? "it said nothing" : `its last words: ${words}`;
  if (outOfMemory) return `used up its memory and was killed; ${said}`;
  return `ended by itself ${exitCode === undefined ? "by a signal" : `with exit code ${exitCode}`}; ${said}`;
}

/** Aborts when the node ends that nobody told to; looks twice a second until it is stopped. */
export function watchEnd(node: RunningNode): {
  readonly signal: AbortSignal;
  stop(): void;
} {
  const ended = new AbortController();
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    const { running, signalled = false } = await node
      .state()
      .catch(() => ({ running: true, signalled: false }));
    busy = false;
    if (!running && !signalled) ended.abort(new Error("the node ended"));
  }, every);
  timer.unref();
  return { signal: ended.signal, stop: () => clearInterval(timer) };
}
