import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Cache } from "../ports/cache.ts";

/** Folders of the user's, which stay where they are. */
export function folderCache(root: string): Cache {
  return {
    restore: async (name) => {
      const folder = join(root, name);
      await mkdir(folder, { recursive: true });
      return folder;
    },
    save: async () => undefined,
  };
}
