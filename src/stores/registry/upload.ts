import { IntegrityError, isError } from "../../errors.ts";
import type { BlobSource } from "../../images/blob.ts";
import type { Digest } from "../../images/digest.ts";
import type { PutBlobOptions, PutBlobResult } from "../../ports/store.ts";
import { persist } from "../persist.ts";
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
    const { signal } = options;
    return await persist(() => upload.attempt(), client.ports, {
      signal,
      progress: () => upload.resumed,
    });
  } catch (error) {
    await upload.cancel();
    throw error instanceof SourceFailure ? error.cause : error;
  }
}

class Upload {
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
  #digestRefused = 0;
  /** The highest byte at which the registry let us go on. */
  resumed = 0;

  constructor(client: RegistryClient, source: BlobSource, options: UploadOptions) {
    this.#client = client;
    this.#source = source;
    this.#options = options;
    this.#digest = new RunningDigest(source);
    this.#session = options.begun;
  }

  async attempt(): Promise<PutBlobResult> {
    const { size } = this.#source;
    const { signal } = this.#options;
    const from = await this.#position();
    if (from === "there") return this.#result(this.#digest.finish());
    const body = await this.#send(from);
    const digest = finished(this.#digest);
    if (this.#session === undefined) throw new Error("An upload lost its session.");
    try {
      await commitUpload(this.#client, this.#session, digest, {
        signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw this.#judged(error);
    }
    this.#options.onProgress?.(size);
    return this.#result(digest);
  }

  async cancel(): Promise<void> {
    if (this.#session !== undefined) await cancelUpload(this.#client, this.#session);
  }

  #result(digest: Digest): PutBlobResult {
    return { digest, size: this.#source.size, bytesSent: this.#bytesSent };
  }

  /** Where to go on: at the byte that the registry has, or at 0 in a new upload. */
  async #position(): Promise<number | "there"> {
    const { signal } = this.#options;
    if (this.#session !== undefined && this.#sent === 0) return 0;
    if (this.#session !== undefined && this.#mayResume) {
      const status = await uploadStatus(this.#client, this.#session, signal);
      const next = resumeAt(status?.range, this.#sent);
      if (status !== undefined && next !== undefined) {
        this.#session = status.session;
        this.resumed = Math.max(this.resumed, next);
        return next;
      }
    }
    if (this.#sent > 0 && (await this.#isThere())) return "there";
    const { leastChunk } = this.#session ?? {};
    this.#session = await beginUpload(this.#client, signal);
    this.#session = { ...this.#session, leastChunk: this.#session.leastChunk ?? leastChunk };
    this.#sent = 0;
    return 0;
  }

  /** Whether the upload did end, only that its answer was lost. */
  async #isThere(): Promise<boolean> {
    const { size } = this.#source;
    if (this.#digest.at !== size) return false;
    return (await headBlob(this.#client, this.#digest.finish())) === size;
  }

  /** Sends the bytes from there on; those of a small blob are returned, to go with the PUT. */
  async #send(from: number): Promise<Uint8Array | undefined> {
    const { size } = this.#source;
    const reader = new PartReader(this.#source, from, this.#options.signal);
    try {
      if (size <= small && from === 0) {
        const bytes = await collected(this.#counted(reader.part(size), 0));
        await this.#ended(reader);
        return bytes;
      }
      for (let at = from; at < size; ) at += await this.#sendPart(reader, at);
      await this.#ended(reader);
      return undefined;
    } catch (error) {
      throw reader.failure ?? this.#judged(error);
    } finally {
      await reader.close();
    }
  }

  async #sendPart(reader: PartReader, at: number): Promise<number> {
    const { signal, chunkSize: asked } = this.#options;
    const session = this.#session;
    if (session === undefined) throw new Error("An upload lost its session.");
    const chunk = chunkSize({ asked, least: session.leastChunk, timedOut: this.#timedOut });
    const left = this.#source.size - at;
    const length = Math.min(left, chunk ?? left);
    const body = this.#counted(reader.part(length), at);
    const { clock } = this.#client.ports;
    const begun = clock.now();
    try {
      const part = { body, at, length, chunked: chunk !== undefined };
      this.#session = await sendPart(this.#client, session, part, signal);
    } catch (error) {
      const status = error instanceof UploadBroken ? error.status : undefined;
      const code = isError(error) && isError(error.cause) ? error.cause.code : undefined;
      const milliseconds = clock.now() - begun;
      this.#timedOut ||= metTimeLimit({ status, code, milliseconds });
      throw error;
    }
    return length;
  }

  async #ended(reader: PartReader): Promise<void> {
    if (await reader.ended()) return;
    this.#digest.take(new Uint8Array(1), this.#source.size);
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
    if (this.#digest.at < at) throw new Error("A byte was not hashed.");
  }

  /** Takes from a failure what the next try must know. */
  #judged(error: unknown): unknown {
    if (!(error instanceof UploadBroken) || !error.lost) return error;
    this.#session = undefined;
    if (error.status === 404 || error.status === 410) return error;
    this.#mayResume = false;
    if (error.status === 400) this.#digestRefused += 1;
    if (this.#digestRefused < 2) return error;
    return new IntegrityError(
      `${this.#source.name}: the registry received other bytes than were sent, twice.`,
      { cause: error },
    );
  }
}

function finished(digest: RunningDigest): Digest {
  return digest.finish();
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}
