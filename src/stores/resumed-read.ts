import { createHash } from "node:crypto";
import { IntegrityError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import { type PersistPorts, persist } from "../retry/persist.ts";

/**
 * A blob's bytes from `from`, asked for again at the byte reached where the connection breaks. Read whole (`from` 0), they
 * are checked against the digest at the end.
 */
export async function* resumedRead(
  open: (from: number) => AsyncIterable<Uint8Array>,
  { name, digest, from }: { name: string; digest: Digest; from: number },
  ports: PersistPorts,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const hash = from === 0 ? createHash("sha256") : undefined;
  let at = from;
  let current: AsyncIterator<Uint8Array> | undefined;
  const next = async (): Promise<Uint8Array | undefined> => {
    current ??= open(at)[Symbol.asyncIterator]();
    try {
      const { done, value } = await current.next();
      return done ? undefined : value;
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
  try {
    for (;;) {
      const piece = await persist(next, ports, { signal });
      if (piece === undefined) break;
      hash?.update(piece);
      at += piece.length;
      yield piece;
    }
  } finally {
    await current?.return?.();
  }
  const seen = hash === undefined ? digest : `sha256:${hash.digest("hex")}`;
  if (seen !== digest) {
    throw new IntegrityError(
      `${name}: the blob ${digest} was served as ${at.toLocaleString("en-US")} bytes with the digest ${seen}.`,
    );
  }
}
