/** Folders that are kept from run to run. */
export interface Cache {
  /** The folder of that name, with what was kept under the key, else under the newest key of that name; empty where nothing was. */
  restore(name: string, key: string): Promise<string>;
  /** Keeps the folder as it is now; what a key holds does not change any more. */
  save(name: string, key: string): Promise<void>;
}
