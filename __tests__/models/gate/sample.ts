/** A file made on purpose: what it is, its bytes, and the rule that refuses it, or `passed`. */
export type Sample = readonly [what: string, bytes: Buffer, rule: string];

/** Bytes of a text whose characters are bytes. */
export function latin(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join(""), "latin1");
}
