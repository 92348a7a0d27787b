import { createHash } from "node:crypto";

/** `sha256:` and 64 hexadecimal digits (OCI image specification, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}`;

const digest = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return digest.test(text);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The first 12 hexadecimal digits, for people. */
export function short(value: Digest): string {
  return value.slice("sha256:".length, "sha256:".length + 12);
}
