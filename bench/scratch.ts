import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What was begun and must be ended: folders removed, processes stopped, also after a failure or a signal. */
export class Scratch {
  readonly #endings: (() => Promise<void>)[] = [];

  /** Remembers how to end something. */
  later(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  /** A new folder that goes away with everything in it. */
  async folder(name: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), `bench-${name}-`));
    this.later(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Ends everything, the latest first; one failure does not keep the rest from ending. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (let end = this.#endings.pop(); end !== undefined; end = this.#endings.pop())
      await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, "Not everything could be ended.");
  }
}

/** Does some work with a scratch of its own. */
export async function withScratch<T>(work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const scratch = new Scratch();
  try {
    return await work(scratch);
  } finally {
    await scratch.end();
  }
}
