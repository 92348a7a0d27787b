/** Programs that were downloaded once, by name and version. */
export interface ToolCache {
  /** The folder of a tool that is there. */
  find(name: string, version: string): Promise<string | undefined>;
  /** Keeps a folder as that tool and returns where it is now. */
  keep(folder: string, name: string, version: string): Promise<string>;
}
