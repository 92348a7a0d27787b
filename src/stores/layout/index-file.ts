import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { IntegrityError, isError } from "../../errors.ts";
import { mediaTypes } from "../../images/descriptor.ts";
import { digestOf } from "../../images/digest.ts";
import { type Index, parseIndex } from "../../images/manifest.ts";
import type { Files } from "../../ports/files.ts";
import { diskError } from "./disk.ts";
import type { Entries } from "./entries.ts";
import { type LockPorts, underLock } from "./lock.ts";

export interface IndexPorts extends LockPorts {
  readonly files: Pick<Files, "link" | "mkdir" | "open" | "readFile" | "rename" | "rm" | "stat">;
}

const empty: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };

/** `index.json` of a layout; an empty one where the folder has none. */
export async function readIndex(
  folder: string,
  { readFile }: Pick<Files, "readFile">,
): Promise<Index> {
  const path = join(folder, "index.json");
  try {
    const bytes = await readFile(path);
    return parseIndex({ mediaType: mediaTypes.index, digest: digestOf(bytes), bytes });
  } catch (error) {
    if (isError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return empty;
    if (error instanceof IntegrityError)
      throw new IntegrityError(`${path} is not the index of an OCI image layout.`, {
        cause: error,
      });
    throw error;
  }
}

/** Changes the entries of `index.json` while nobody else does, and puts the new file in its place at once. */
export async function changeIndex(
  folder: string,
  change: (entries: Entries) => Promise<Entries> | Entries,
  ports: IndexPorts,
): Promise<void> {
  const { files } = ports;
  try {
    await files.mkdir(folder, { recursive: true });
    await underLock(
      join(folder, ".index.lock"),
      async () => {
        await replace(join(folder, "oci-layout"), { imageLayoutVersion: "1.0.0" }, files);
        const index = await readIndex(folder, files);
        const manifests = await change(index.manifests);
        await replace(join(folder, "index.json"), { ...index, manifests }, files);
      },
      ports,
    );
  } catch (error) {
    throw diskError(error, `oci:${folder}: index.json cannot be written`);
  }
}

async function replace(
  path: string,
  value: object,
  { open, rename, rm }: Pick<Files, "open" | "rename" | "rm">,
): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    const file = await open(beside, "wx");
    try {
      await file.writeFile(JSON.stringify(value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}
