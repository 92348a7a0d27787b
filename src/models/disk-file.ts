import { createHash } from "node:crypto";
import { join } from "node:path";
import { isError } from "../errors.ts";
import { parentFolders } from "../layers/layer.ts";
import type { Files } from "../ports/files.ts";
import { type FileVerdict, openGate } from "./gate/gate.ts";
import type { LockedFile } from "./lock.ts";

export type Handle = Awaited<ReturnType<Files["open"]>>;

const pieceSize = 1 << 20;

/** The bytes of an open file from `from` to `end`. */
export async function* piecesOf(
  handle: Handle,
  from: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < end; ) {
    signal?.throwIfAborted();
    const wanted = Math.min(pieceSize, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** What is found in the place of a file: one of its size, with hash and verdict; or what else. */
export type DiskFile =
  | { readonly sha256: string; readonly verdict: FileVerdict }
  | { readonly size: number }
  | { readonly link: string }
  | "missing";

/** Reads a file below a folder; a symbolic link there is not followed: it may lead elsewhere tomorrow, and does so in a container. */
export async function readDiskFile(
  folder: string,
  id: string,
  file: Pick<LockedFile, "size" | "allow">,
  files: Pick<Files, "open" | "lstat">,
  signal?: AbortSignal,
): Promise<DiskFile> {
  try {
    for (const part of [...parentFolders(id), id])
      if ((await files.lstat(join(folder, part))).isSymbolicLink()) return { link: part };
    const handle = await files.open(join(folder, id));
    try {
      return await readHandle(handle, id, file, signal);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return "missing";
    throw error;
  }
}

async function readHandle(
  handle: Handle,
  id: string,
  { size, allow }: Pick<LockedFile, "size" | "allow">,
  signal?: AbortSignal,
): Promise<DiskFile> {
  const state = await handle.stat();
  if (!state.isFile() || state.size !== size) return { size: state.size };
  const hash = createHash("sha256");
  const gate = openGate({ file: id, size, allow });
  let at = 0;
  for await (const piece of piecesOf(handle, 0, size, signal)) {
    hash.update(piece);
    gate.feed(piece);
    at += piece.length;
  }
  return at === size ? { sha256: hash.digest("hex"), verdict: gate.end() } : { size: at };
}
