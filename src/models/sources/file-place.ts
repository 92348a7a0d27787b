import { fileURLToPath } from "node:url";
import { isError, RemoteError } from "../../errors.ts";
import type { Files } from "../../ports/files.ts";
import { otherBytes } from "./http-place.ts";
import { grouped, type Place, type WantedFile } from "./place.ts";

const pieceSize = 1 << 20;

/** A file of this machine, for people without a network. */
export function filePlace(url: URL, file: WantedFile, files: Pick<Files, "open">): Place {
  const path = fileURLToPath(url);
  return {
    name: path,
    async open(from, signal) {
      const handle = await files.open(path).catch((error: unknown) => {
        const code = isError(error) ? error.code : undefined;
        const why = code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
        // The cause is left out: whoever takes the bytes shall not try again.
        throw new RemoteError(`${file.name}: ${path} ${why}.`);
      });
      const { size } = await handle.stat();
      if (size !== file.size) {
        await handle.close();
        throw otherBytes(file, path, `has ${grouped(size)} bytes`);
      }
      return read(handle, from, signal);
    },
  };
}

async function* read(
  handle: Awaited<ReturnType<Files["open"]>>,
  from: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = from; ; ) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await handle.read(
        Buffer.allocUnsafe(pieceSize),
        0,
        pieceSize,
        at,
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
