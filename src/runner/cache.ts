import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isError } from "../errors.ts";
import type { Cache } from "../ports/cache.ts";
import type { Log } from "../ports/log.ts";

/** The repository's cache (@actions/cache, loaded only where it is used: it is large). A cache that fails is none: the run goes on. */
export function runnerCache(
  root: string,
  { log }: { readonly log: Pick<Log, "info" | "warning"> },
): Cache {
  const restored = new Map<string, string | undefined>();
  const place = (name: string) => join(root, name);
  const asked = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      log.info(`The cache could not be ${what}: ${isError(error) ? error.message : String(error)}`);
      return undefined;
    }
  };
  return {
    restore: async (name, key) => {
      const folder = place(name);
      await mkdir(folder, { recursive: true });
      const { restoreCache } = await import("@actions/cache");
      const found = await asked(`read (${name})`, () =>
        restoreCache([folder], `${name}-${key}`, [`${name}-`]),
      );
      restored.set(name, found);
      return folder;
    },
    save: async (name, key) => {
      if (restored.get(name) === `${name}-${key}`) return;
      const { saveCache } = await import("@actions/cache");
      await asked(`written (${name})`, () => saveCache([place(name)], `${name}-${key}`));
    },
  };
}
