import { cacheDir, find } from "@actions/tool-cache";
import type { ToolCache } from "../ports/tool-cache.ts";

/** The runner's own tool cache (RUNNER_TOOL_CACHE). */
export const toolCache: ToolCache = {
  find: async (name, version) => find(name, version) || undefined,
  keep: (folder, name, version) => cacheDir(folder, name, version),
};
