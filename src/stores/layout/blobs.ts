import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isError } from "../../errors.ts";
import type { BlobSource } from "../../images/blob.ts";
import type { Digest } from "../../images/digest.ts";
import { isGone, thisProcess } from "../../owner.ts";
import type { Files } from "../../ports/files.ts";
import type { PutBlobOptions, PutBlobResult } from "../../ports/store.ts";
import { RunningDigest } from "../running-digest.ts";
import { diskError } from "./disk.ts";

const partial = ".partial-";
const readSize = 1024 * 1024;

export type BlobFiles = Pick<Files, "mkdir" | "open" | "readdir" | "rename" | "rm" | "stat">;

/** The folder of blobs of an OCI image layout (image-layout.md): a file is there whole, under its digest, or not at all. */
export function blobPath(folder: string, digest: Digest): string {
  return join(folder, "blobs", "sha256", digest.slice("sha256:".length));
}

export async function sizeOfBlob(
  folder: string,
  digest: Digest,
  { stat }: Pick<Files, "stat">,
): Promise<number | undefined> {
  try {
    return (await stat(blobPath(folder, digest))).size;
  } catch (error) {
    if (isError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Writes a blob beside its place, then renames it into it. */
export async function writeBlob(
  folder: string,
  source: BlobSource,
  { signal, onProgress }: PutBlobOptions,
  files: BlobFiles,
): Promise<PutBlobResult> {
  const blobs = join(folder, "blobs", "sha256");
  const path = join(blobs, `${partial}${thisProcess()}-${randomUUID()}`);
  const what = `oci:${folder}: ${source.name} (${source.size.toLocaleString("en-US")} bytes) cannot be written`;
  try {
    await files.mkdir(blobs, { recursive: true });
    const digest = await write(path, source, { signal, onProgress }, files);
    await files.rename(path, blobPath(folder, digest));
    return { digest, size: source.size, bytesSent: source.size };
  } catch (error) {
    await files.rm(path, { force: true }).catch(() => undefined);
    throw diskError(error, what);
  }
}

async function write(
  path: string,
  source: BlobSource,
  { signal, onProgress }: { [Key in keyof PutBlobOptions]: PutBlobOptions[Key] | undefined },
  { open }: Pick<Files, "open">,
): Promise<Digest> {
  const digest = new RunningDigest(source);
  const file = await open(path, "wx");
  try {
    for await (const piece of source.open(0, signal)) {
      signal?.throwIfAborted();
      const at = digest.at;
      digest.take(piece, at);
      for (let done = 0; done < piece.length; )
        done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten;
      onProgress?.(digest.at);
    }
    const found = digest.finish();
    await file.sync();
    return found;
  } finally {
    await file.close();
  }
}

/** A blob's bytes from `from`, in pieces of 1 MiB. */
export async function* readBlobFile(
  path: string,
  from: number,
  { open }: Pick<Files, "open">,
): AsyncIterable<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (let at = from; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readSize), 0, readSize, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Removes what processes that are gone left half-written. */
export async function sweepPartials(
  folder: string,
  { readdir, rm }: Pick<Files, "readdir" | "rm">,
): Promise<void> {
  const blobs = join(folder, "blobs", "sha256");
  const names = await readdir(blobs).catch(() => [] as string[]);
  for (const name of names) {
    if (!name.startsWith(partial)) continue;
    const owner = name.slice(partial.length, -"-00000000-0000-0000-0000-000000000000".length);
    if (isGone(owner) === true) await rm(join(blobs, name), { force: true });
  }
}
