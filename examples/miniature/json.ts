/** A value as the JSON files of hub repositories are written: two spaces, a newline at the end. */
export function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
