import { randomUUID } from "node:crypto";
import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ToolCache } from "../ports/tool-cache.ts";

/** Tools in a folder of the user's: `<root>/<name>/<version>`. */
export function folderToolCache(root: string): ToolCache {
  const place = (name: string, version: string) => join(root, name, version);
  const exists = (path: string) =>
    stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
  return {
    find: async (name, version) =>
      (await exists(place(name, version))) ? place(name, version) : undefined,
    async keep(folder, name, version) {
      const target = place(name, version);
      const coming = `${target}.${randomUUID()}`;
      await mkdir(dirname(target), { recursive: true });
      try {
        await cp(folder, coming, { recursive: true });
        await rename(coming, target).catch(async (error) => {
          if (!(await exists(target))) throw error;
        });
      } finally {
        await rm(coming, { recursive: true, force: true });
      }
      return target;
    },
  };
}
