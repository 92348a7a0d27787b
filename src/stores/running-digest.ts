import { createHash } from "node:crypto";
import { IntegrityError } from "../errors.ts";
import type { BlobSource } from "../images/blob.ts";
import type { Digest } from "../images/digest.ts";

/** The sha256 of a blob that passes by, perhaps in several goes: bytes that come again are not hashed again. */
export class RunningDigest {
  readonly #source: Pick<BlobSource, "name" | "size" | "digest">;
  readonly #hash = createHash("sha256");
  #at = 0;

  constructor(source: Pick<BlobSource, "name" | "size" | "digest">) {
    this.#source = source;
  }

  /** Bytes hashed so far. */
  get at(): number {
    return this.#at;
  }

  /** Takes the bytes that begin at `position`; an IntegrityError if there are more than the blob has. */
  take(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    const { name, size } = this.#source;
    if (end > size) {
      throw new IntegrityError(
        `${name}: its source sent more than the ${grouped(size)} bytes wanted.`,
        {
          todo: "Nothing of it was kept.",
        },
      );
    }
    if (position > this.#at)
      throw new RangeError(`${name}: bytes were left out before ${position}.`);
    if (end <= this.#at) return;
    this.#hash.update(position === this.#at ? bytes : bytes.subarray(this.#at - position));
    this.#at = end;
  }

  /** The digest of the whole; an IntegrityError if bytes are missing or it is not the one that was promised. */
  finish(): Digest {
    const { name, size, digest } = this.#source;
    if (this.#at !== size) throw endedEarly(this.#source, this.#at);
    const seen: Digest = `sha256:${this.#hash.copy().digest("hex")}`;
    if (digest !== undefined && seen !== digest) {
      throw new IntegrityError(
        `${name}: its ${grouped(size)} bytes have the digest ${seen}, wanted was ${digest}.`,
        { todo: "Nothing of it was kept." },
      );
    }
    return seen;
  }
}

export function endedEarly(
  { name, size }: Pick<BlobSource, "name" | "size">,
  at: number,
): IntegrityError {
  return new IntegrityError(
    `${name}: its source ended after ${grouped(at)} bytes, ${grouped(size)} were wanted.`,
    { todo: "Nothing of it was kept." },
  );
}

function grouped(bytes: number): string {
  return bytes.toLocaleString("en-US");
}
