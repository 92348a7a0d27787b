import { dirname } from "node:path";
import { type Digest, digestOf, isDigest } from "../images/digest.ts";
import type { Files } from "../ports/files.ts";
import type { PlannedLayer } from "./pack.ts";

/**
 * Digests of an open lock's layers, kept from the moment that each is in a store: without them, a push that was interrupted could not
 * ask for the layers that it has sent. A file of lines `<sha256 of root, paths and hashes> <digest>`; what cannot be read is not known.
 */
export interface LayerJournal {
  digestOf(layer: PlannedLayer): Digest | undefined;
  add(layer: PlannedLayer, digest: Digest): Promise<void>;
  /** Once the models image is there, the journal has served. */
  end(): Promise<void>;
}

export async function openJournal(
  path: string,
  root: string,
  files: Pick<Files, "mkdir" | "open" | "readFile" | "rm">,
): Promise<LayerJournal> {
  const text = await files.readFile(path, "utf8").catch(() => "");
  const known = new Map<string, Digest>();
  for (const line of text.split("\n")) {
    const [key = "", digest = ""] = line.split(" ");
    if (isDigest(digest)) known.set(key, digest);
  }
  return {
    digestOf: (layer) => known.get(keyOf(root, layer)),
    add: async (layer, digest) => {
      const key = keyOf(root, layer);
      if (known.get(key) === digest) return;
      known.set(key, digest);
      await files.mkdir(dirname(path), { recursive: true });
      const handle = await files.open(path, "a");
      try {
        await handle.write(`${key} ${digest}\n`);
      } finally {
        await handle.close();
      }
    },
    end: () => files.rm(path, { force: true }),
  };
}

function keyOf(root: string, { files }: PlannedLayer): string {
  const content = files.map(({ id, file }) => [id, file.size, file.sha256]);
  return digestOf(JSON.stringify([root, content]));
}
