import { randomUUID } from "node:crypto";
import type { Files } from "./ports/files.ts";

/** Writes a file that is the old one or the new one, whatever happens, also where two write it at once. */
export async function replaceFile(
  path: string,
  text: string,
  { writeFile, rename, rm }: Pick<Files, "writeFile" | "rename" | "rm">,
): Promise<void> {
  const beside = `${path}.${randomUUID().slice(0, 8)}.new`;
  try {
    await writeFile(beside, text, { mode: 0o644 });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}
