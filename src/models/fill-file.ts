import { basename, dirname } from "node:path";
import { IntegrityError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { type Handle, piecesOf, readDiskFile } from "./disk-file.ts";
import type { SourcePorts } from "./file-reader.ts";
import { claimPart, type PartFile } from "./part-file.ts";
import { removeParts } from "./remove-parts.ts";
import { beginAgain } from "./sources/begin-again.ts";
import { CheckedFile, refusedByGate } from "./sources/checked-file.ts";
import type { Place, WantedFile } from "./sources/place.ts";
import { Sources } from "./sources/resume.ts";

export interface FillPorts extends Pick<SourcePorts, "clock" | "log" | "newHash"> {
  readonly files: Files;
}

export interface Filling {
  readonly id: string;
  readonly wanted: WantedFile & { readonly sha256: string };
  readonly target: string;
  readonly places: readonly Place[];
  /** Called with the bytes that came from a place. */
  readonly onRead: (bytes: number) => void;
  /** Called with the bytes of the file that are at hand by now, those that were there before included. */
  readonly onProgress: (done: number) => void;
}

export type FillState = "cached" | "resumed" | "pulled";

/** Makes sure that a file is at its place with the right bytes: leaves it if it is, else fills a part and renames it. */
export async function fillFile(
  filling: Filling,
  ports: FillPorts,
  signal?: AbortSignal,
): Promise<FillState> {
  const { target, wanted } = filling;
  const state = (await isThere(filling, ports.files, signal))
    ? "cached"
    : await fill(filling, ports, signal);
  filling.onProgress(wanted.size);
  await removeParts(target, ports);
  return state;
}

async function fill(
  filling: Filling,
  ports: FillPorts,
  signal: AbortSignal | undefined,
): Promise<FillState> {
  const sources = new Sources(filling.wanted, filling.places, ports);
  return await beginAgain(() => fillOnce(filling, sources, ports, signal), ports.log);
}

/** What an earlier try left may be wrong as well: it is a giver like a place. */
const earlier = { name: "the part of an earlier try" };

async function fillOnce(
  filling: Filling,
  sources: Sources,
  ports: FillPorts,
  signal: AbortSignal | undefined,
): Promise<FillState> {
  const part = await claimPart(filling.target, filling.wanted.sha256, ports);
  try {
    await fillPart(part, filling, sources, ports, signal);
    await part.finish();
    return part.size > 0 ? "resumed" : "pulled";
  } catch (error) {
    await (error instanceof IntegrityError ? part.discard() : part.leave());
    throw error;
  }
}

async function fillPart(
  part: PartFile,
  { id, wanted, onRead, onProgress }: Filling,
  sources: Sources,
  ports: FillPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await ports.files.open(part.path, part.size > 0 ? "r+" : "w+");
  try {
    const kept = Math.min(part.size, wanted.size);
    if (kept > 0) sources.credit(earlier);
    onProgress(kept);
    const read = async function* (from: number, stop?: AbortSignal) {
      yield* piecesOf(handle, from, kept, stop);
      for await (const piece of sources.read(Math.max(from, kept), stop)) {
        onRead(piece.length);
        yield piece;
      }
    };
    const refused: Sources["refused"] = (why) => sources.refused(why);
    const reader = new CheckedFile({ ...wanted, id, read, refused, newHash: ports.newHash });
    let at = kept;
    for await (const piece of reader.open(0, signal)) {
      const fresh = reader.at - at;
      if (fresh <= 0) continue;
      await writeAll(handle, piece.subarray(piece.length - fresh), at);
      at = reader.at;
      onProgress(at);
    }
    await handle.truncate(wanted.size);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: Handle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Whether the file is there with the wanted bytes; all of them are read, and a file that the gate refuses ends it. */
async function isThere(
  { target, wanted }: Filling,
  files: Pick<Files, "open" | "lstat">,
  signal?: AbortSignal,
): Promise<boolean> {
  const seen = await readDiskFile(dirname(target), basename(target), wanted, files, signal);
  if (typeof seen !== "object" || !("sha256" in seen) || seen.sha256 !== wanted.sha256)
    return false;
  if (seen.verdict.verdict === "failed") throw refusedByGate(wanted.name, seen.verdict);
  return true;
}
