import { createHash } from "node:crypto";

/** A running sha256. */
export interface FileHash {
  /** Takes bytes; a promise where the caller must wait before it gives more. */
  update(bytes: Uint8Array): Promise<void> | undefined;
  /** 64 hexadecimal digits, once. */
  digest(): Promise<string>;
}

/** Begins a hash for a file of so many bytes. */
export type NewHash = (size: number) => FileHash;

/** Hashes in this thread. */
export const hashHere: NewHash = () => {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
      return undefined;
    },
    digest: async () => hash.digest("hex"),
  };
};
