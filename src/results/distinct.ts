/** Each entry once, in the order of its first coming; those that say the same are one. */
export function distinct<T>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}
