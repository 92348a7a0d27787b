import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { extract, type Header } from "tar-stream";
import { CheckError, IntegrityError, isError, isKnown } from "../errors.ts";
import { mediaTypes } from "../images/descriptor.ts";
import type { LayerEntry } from "./refusal.ts";

/** Calls `visit` with each entry of a layer as it streams by; contents are skipped. A layer that cannot be read is an IntegrityError. */
export async function readEntries(
  layer: { readonly mediaType: string; readonly digest: string },
  bytes: AsyncIterable<Uint8Array>,
  visit: (entry: LayerEntry) => void,
): Promise<void> {
  const reader = extract();
  reader.on("entry", (header, stream, next) => {
    // A refusal ends the reader, and with it the entry's own stream: an error that nobody hears there would end the process.
    stream.on("error", () => undefined);
    try {
      visit(entryOf(header));
    } catch (refusal) {
      return next(refusal as Error);
    }
    stream.on("end", () => next());
    stream.resume();
  });
  const source = Readable.from(bytes, { objectMode: false });
  const unpack = decompressor(layer);
  try {
    await (unpack === undefined ? pipeline(source, reader) : pipeline(source, unpack, reader));
  } catch (cause) {
    if (!isFormatError(cause)) throw cause;
    throw new IntegrityError(`The layer ${layer.digest} cannot be read as ${layer.mediaType}.`, {
      cause,
    });
  }
}

function entryOf({ name, type, mode, uid, gid, linkname }: Header): LayerEntry {
  const kind =
    type === "file" || type === "contiguous-file"
      ? "file"
      : type === "directory" || type === "symlink" || type === "link"
        ? type
        : "other";
  return {
    path: name,
    type: kind,
    mode: mode ?? 0,
    uid: uid ?? 0,
    gid: gid ?? 0,
    ...(linkname ? { link: linkname } : {}),
  };
}

function decompressor({
  mediaType,
}: {
  readonly mediaType: string;
}): NodeJS.ReadWriteStream | undefined {
  switch (mediaType) {
    case mediaTypes.tar:
      return undefined;
    case mediaTypes.tarGzip:
      return zlib.createGunzip();
    case mediaTypes.tarZstd:
      if ("createZstdDecompress" in zlib)
        return (zlib.createZstdDecompress as () => NodeJS.ReadWriteStream)();
      throw new CheckError("A layer is compressed with zstd, which this Node.js cannot read.", {
        todo: "Use Node.js 22.15 or newer, or build with compression=gzip.",
      });
    default:
      throw new CheckError(`A layer has the media type ${mediaType}, which is not known.`, {
        todo: "Wanted: an OCI tar layer, plain, gzip or zstd.",
      });
  }
}

/** zlib's own codes; tar-stream says what is wrong in words only, and without a code. */
function isFormatError(cause: unknown): boolean {
  if (!isError(cause) || isKnown(cause)) return false;
  return cause.code === undefined
    ? /tar|header|unexpected end/i.test(cause.message)
    : /^Z_|^ZSTD_/.test(cause.code);
}
