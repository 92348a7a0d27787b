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

/**
 * Does the work with hashes that run in a thread of their own: a layer that is streamed is hashed twice, as a layer by its store and
 * file by file here, and the second hash would take a third of the first thread's time.
 */
export async function withHashThread<T>(work: (newHash: NewHash) => Promise<T>): Promise<T> {
  let worker: Worker | undefined;
  let count = 0;
  const hashes = new Map<number, ThreadHash>();
  const started = () => {
    const thread = new Worker(program, { eval: true });
    thread.on("message", (answer: Answer) => {
      hashes.get(answer.id)?.take(answer);
      if (answer.digest !== undefined) hashes.delete(answer.id);
    });
    thread.on("error", (error) => {
      for (const hash of hashes.values()) hash.fail(error);
    });
    return thread;
  };
  const newHash: NewHash = (size) => {
    if (size < worthwhile) return hashHere(size);
    worker ??= started();
    count += 1;
    const hash = new ThreadHash(count, worker);
    hashes.set(hash.id, hash);
    return hash;
  };
  try {
    return await work(newHash);
  } finally {
    await worker?.terminate();
  }
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
