import { Worker } from "node:worker_threads";
import { type FileHash, hashHere, type NewHash } from "./file-hash.ts";

/** Smaller files are hashed where they are read. */
const worthwhile = 4 * 2 ** 20;

/** Bytes go to the thread in buffers of this size, which come back to be filled again. */
const bufferSize = 2 ** 20;
const buffersEach = 3;

const program = `
const { parentPort } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const hashes = new Map();
parentPort.on("message", ({ id, buffer, size, last }) => {
  const hash = hashes.get(id) ?? createHash("sha256");
  hash.update(new Uint8Array(buffer, 0, size));
  if (last) hashes.delete(id);
  else hashes.set(id, hash);
  parentPort.postMessage({ id, buffer, digest: last ? hash.digest("hex") : undefined }, [buffer]);
});
`;

interface Answer {
  readonly id: number;
  readonly buffer: ArrayBuffer;
  readonly digest: string | undefined;
}

/** Starts the thread; it lives until it is terminated. */
export function startHashThread(): Worker {
  return new Worker(program, { eval: true });
}

/**
 * Does the work with hashes that run in a thread of their own: a layer that is streamed is hashed twice, as a layer by its store and
 * file by file here, and the second hash would take a third of the first thread's time. A thread that dies fails the hashes that it
 * had; later ones get another.
 */
export async function withHashThread<T>(
  work: (newHash: NewHash) => Promise<T>,
  start = startHashThread,
): Promise<T> {
  let current: HashThread | undefined;
  let count = 0;
  const forget = (gone: HashThread) => {
    if (current === gone) current = undefined;
  };
  const newHash: NewHash = (size) => {
    if (size < worthwhile) return hashHere(size);
    current ??= watchedThread(start(), forget);
    count += 1;
    const hash = new ThreadHash(count, current.worker);
    current.hashes.set(hash.id, hash);
    return hash;
  };
  try {
    return await work(newHash);
  } finally {
    const last = current;
    current = undefined;
    last?.hashes.clear();
    await last?.worker.terminate();
  }
}

interface HashThread {
  readonly worker: Worker;
  /** Those that wait for their digest. */
  readonly hashes: Map<number, ThreadHash>;
}

/** Gives answers to their hashes; when the thread ends, those that still wait fail, and `forget` is called. */
function watchedThread(worker: Worker, forget: (gone: HashThread) => void): HashThread {
  const thread: HashThread = { worker, hashes: new Map() };
  const lost = (error: Error) => {
    forget(thread);
    for (const hash of thread.hashes.values()) hash.fail(error);
    thread.hashes.clear();
  };
  worker.on("message", (answer: Answer) => {
    thread.hashes.get(answer.id)?.take(answer);
    if (answer.digest !== undefined) thread.hashes.delete(answer.id);
  });
  worker.on("error", lost);
  worker.on("exit", (code) => lost(new Error(`The thread of hashes ended by itself (${code}).`)));
  return thread;
}

class ThreadHash implements FileHash {
  readonly id: number;
  readonly #worker: Worker;
  readonly #free: ArrayBuffer[] = [];
  #buffers = 0;
  #current: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #wake: (() => void) | undefined;
  #digest: string | undefined;
  #failure: Error | undefined;

  constructor(id: number, worker: Worker) {
    this.id = id;
    this.#worker = worker;
  }

  update(bytes: Uint8Array): Promise<void> | undefined {
    const rest = this.#fill(bytes);
    return rest.length === 0 ? undefined : this.#fillSlowly(rest);
  }

  async digest(): Promise<string> {
    while (this.#space() === undefined) await this.#answered();
    this.#send(true);
    while (this.#digest === undefined) await this.#answered();
    return this.#digest;
  }

  take({ buffer, digest }: Answer): void {
    if (digest === undefined) this.#free.push(buffer);
    else this.#free.splice(0);
    this.#digest = digest;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  /** Copies what there is room for; gives what is left. */
  #fill(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    for (let space = this.#space(); space !== undefined && rest.length > 0; space = this.#space()) {
      const part = rest.subarray(0, bufferSize - this.#filled);
      space.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === bufferSize) this.#send(false);
    }
    return rest;
  }

  async #fillSlowly(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; rest = this.#fill(rest)) await this.#answered();
  }

  /** The buffer that is being filled; undefined while all are with the thread. */
  #space(): Uint8Array | undefined {
    if (this.#current !== undefined) return this.#current;
    const free = this.#free.pop();
    if (free === undefined && this.#buffers === buffersEach) return undefined;
    if (free === undefined) this.#buffers += 1;
    this.#current = new Uint8Array(free ?? new ArrayBuffer(bufferSize));
    return this.#current;
  }

  #send(last: boolean): void {
    const buffer = this.#current?.buffer ?? new ArrayBuffer(0);
    this.#worker.postMessage({ id: this.id, buffer, size: this.#filled, last }, [buffer]);
    this.#current = undefined;
    this.#filled = 0;
  }

  async #answered(): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }
}
