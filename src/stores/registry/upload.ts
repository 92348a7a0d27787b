import { IntegrityError, isError } from "../../errors.ts";
import type { BlobSource } from "../../images/blob.ts";
import type { PutBlobOptions, PutBlobResult } from "../../ports/store.ts";
import { persist } from "../../retry/persist.ts";
import { RunningDigest } from "../running-digest.ts";
import { headBlob } from "./blob-read.ts";
import type { RegistryClient } from "./client.ts";
import { PartReader, SourceFailure } from "./part-reader.ts";
import { chunkSize, metTimeLimit, resumeAt } from "./upload-plan.ts";
import {
  beginUpload,
  cancelUpload,
  commitUpload,
  sendPart,
  UploadBroken,
  type UploadSession,
  uploadStatus,
} from "./upload-session.ts";

/** Blobs up to this size are held in memory and travel with the PUT: one request less, and easily sent again. */
const small = 1024 * 1024;

export interface UploadOptions extends PutBlobOptions {
  /** An upload that a refused mount has begun. */
  readonly begun?: UploadSession | undefined;
  /** Bytes a PATCH; by default all in one. */
  readonly chunkSize?: number | undefined;
}

/** Streams one blob to the registry. It is there afterwards, or this throws and nothing of it is. */
export async function uploadBlob(
  client: RegistryClient,
  source: BlobSource,
  options: UploadOptions = {},
): Promise<PutBlobResult> {
  const upload = new Upload(client, source, options);
  try {
    return await persist(() => upload.attempt(), client.ports, {
      signal: options.signal,
      progress: () => upload.resumed,
    });
  } catch (error) {
    await upload.cancel();
    throw error instanceof SourceFailure ? error.cause : error;
  }
}

/** Where an upload stands: what an attempt learns for the next one. */
class Upload {
  /** The highest byte at which the registry let us go on. */
  resumed = 0;
  readonly #client: RegistryClient;
  readonly #source: BlobSource;
  readonly #options: UploadOptions;
  readonly #digest: RunningDigest;
  #session: UploadSession | undefined;
  /** The highest byte sent to this session. */
  #sent = 0;
  #bytesSent = 0;
  #mayResume = true;
  #timedOut = false;
  #bytesRefused = 0;

  constructor(client: RegistryClient, source: BlobSource, options: UploadOptions) {
    this.#client = client;
    this.#source = source;
    this.#options = options;
    this.#digest = new RunningDigest(source);
    this.#session = options.begun;
  }

  /** One try, from where the registry can go on to the end. */
  async attempt(): Promise<PutBlobResult> {
    const { signal, onProgress } = this.#options;
    const { size } = this.#source;
    const from = await this.#resume();
    if (from === undefined && (await this.#isThere())) return this.#result();
    const session = this.#session ?? (await this.#begin());
    const reader = new PartReader(this.#source, from ?? 0, signal);
    try {
      const whole = size <= small && (from ?? 0) === 0;
      const body = whole ? await collected(this.#counted(reader.part(size), 0)) : undefined;
      const last = whole ? session : await this.#sendParts(reader, session, from ?? 0);
      if (!(await reader.ended())) this.#digest.take(new Uint8Array(1), size);
      const digest = this.#digest.finish();
      await commitUpload(this.#client, last, digest, { signal, ...(body && { body }) });
    } catch (error) {
      throw reader.failure ?? this.#learn(error);
    } finally {
      await reader.close();
    }
    onProgress?.(size);
    return this.#result();
  }

  async cancel(): Promise<void> {
    if (this.#session !== undefined) await cancelUpload(this.#client, this.#session);
  }

  #result(): PutBlobResult {
    const { size } = this.#source;
    return { digest: this.#digest.finish(), size, bytesSent: this.#bytesSent };
  }

  /** The byte at which the present upload can go on; undefined: there is none that can. */
  async #resume(): Promise<number | undefined> {
    const session = this.#session;
    if (session === undefined || this.#sent === 0) return session && 0;
    const status = this.#mayResume
      ? await uploadStatus(this.#client, session, this.#options.signal)
      : undefined;
    const next = resumeAt(status?.range, this.#sent);
    this.#session = next === undefined ? undefined : status?.session;
    this.resumed = Math.max(this.resumed, next ?? 0);
    return next;
  }

  /** Whether the upload did end before, only that its answer was lost. */
  async #isThere(): Promise<boolean> {
    const { size } = this.#source;
    if (this.#sent === 0 || this.#digest.at !== size || this.#bytesRefused > 0) return false;
    return (await headBlob(this.#client, this.#digest.finish())) === size;
  }

  async #begin(): Promise<UploadSession> {
    this.#session = await beginUpload(this.#client, this.#options.signal);
    this.#sent = 0;
    return this.#session;
  }

  /** Sends the bytes from there to the end, in one PATCH or in several. */
  async #sendParts(reader: PartReader, begun: UploadSession, from: number): Promise<UploadSession> {
    const { signal, chunkSize: asked } = this.#options;
    const { size } = this.#source;
    const { clock } = this.#client.ports;
    const timedOut = this.#timedOut;
    const chunk = chunkSize({ asked, least: begun.leastChunk, timedOut });
    let session = begun;
    let started = clock.now();
    try {
      for (let at = from; at < size; ) {
        started = clock.now();
        const length = Math.min(size - at, chunk ?? size);
        const body = this.#counted(reader.part(length), at);
        const part = { body, at, length, chunked: chunk !== undefined };
        session = await sendPart(this.#client, session, part, signal);
        this.#session = session;
        at += length;
      }
      return session;
    } catch (error) {
      const status = error instanceof UploadBroken ? error.status : undefined;
      const code = isError(error) && isError(error.cause) ? error.cause.code : undefined;
      this.#timedOut ||= metTimeLimit({ status, code, milliseconds: clock.now() - started });
      throw error;
    }
  }

  /** Hashes, counts and shows the bytes on their way. */
  async *#counted(pieces: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<Uint8Array> {
    let at = from;
    for await (const piece of pieces) {
      this.#digest.take(piece, at);
      at += piece.length;
      this.#bytesSent += piece.length;
      this.#sent = Math.max(this.#sent, at);
      yield piece;
      this.#options.onProgress?.(at);
    }
  }

  /** Takes from a failure what the next attempt must know. */
  #learn(error: unknown): unknown {
    if (!(error instanceof UploadBroken) || !error.lost) return error;
    this.#session = undefined;
    if (error.status === 416) this.#mayResume = false;
    if (error.status !== 400) return error;
    this.#mayResume = false;
    this.#bytesRefused += 1;
    if (this.#bytesRefused < 2) return error;
    const message = `${this.#source.name}: the registry received other bytes than were sent, twice.`;
    return new IntegrityError(message, { cause: error });
  }
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}
