import { dirname } from "node:path";
import { isError } from "../errors.ts";
import { type Digest, digestOf, isDigest } from "../images/digest.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { type LayerVerdict, parseVerdict, verdictText } from "./layer-verdict.ts";
import type { PlannedLayer } from "./pack.ts";

/**
 * Digests and verdicts of layers, kept from the moment that each is in a store: without them, a push that was interrupted could not ask for
 * the layers of an open lock that it has sent, and would read back what it has gated. A file of lines
 * `<sha256 of root, paths and hashes> <digest> <verdict>`; what cannot be read is not known, and what cannot be written is said once: the
 * push itself does not need it.
 */
export interface LayerJournal {
  digestOf(layer: PlannedLayer): Digest | undefined;
  verdictOf(layer: PlannedLayer): LayerVerdict | undefined;
  add(layer: PlannedLayer, digest: Digest, verdict?: LayerVerdict): Promise<void>;
  /** Once the models image is there, the journal has served. */
  end(): Promise<void>;
}

export interface JournalPorts {
  readonly files: Pick<Files, "mkdir" | "open" | "readFile" | "rm">;
  readonly log: Pick<Log, "warning">;
}

export async function openJournal(
  path: string,
  root: string,
  { files, log }: JournalPorts,
): Promise<LayerJournal> {
  const text = await files.readFile(path, "utf8").catch(() => "");
  const known = new Map<string, { digest: Digest; verdict: LayerVerdict | undefined }>();
  for (const line of text.split("\n")) {
    const [, key = "", digest = "", verdict] = /^(\S+) (\S+)(?: (.+))?$/.exec(line) ?? [];
    if (isDigest(digest)) known.set(key, { digest, verdict: parseVerdict(verdict) });
  }
  let writable = true;
  return {
    digestOf: (layer) => known.get(keyOf(root, layer))?.digest,
    verdictOf: (layer) => known.get(keyOf(root, layer))?.verdict,
    add: async (layer, digest, verdict) => {
      const key = keyOf(root, layer);
      const before = known.get(key);
      const isKnown =
        before?.digest === digest && (verdict === undefined || before.verdict !== undefined);
      if (!writable || isKnown) return;
      known.set(key, { digest, verdict });
      const said = verdict === undefined ? "" : ` ${verdictText(verdict)}`;
      try {
        await append(path, `${key} ${digest}${said}\n`, files);
      } catch (error) {
        const first = writable;
        writable = false;
        if (!first) return;
        log.warning(
          `${path} cannot be written, so that a push which is interrupted sends these layers again: ${isError(error) ? error.message : error}`,
        );
      }
    },
    end: async () => {
      await files.rm(path, { force: true }).catch(() => undefined); // what is left names layers by their content: it misleads nobody
    },
  };
}

async function append(
  path: string,
  line: string,
  { mkdir, open }: Pick<Files, "mkdir" | "open">,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, "a");
  try {
    await handle.write(line);
  } finally {
    await handle.close();
  }
}

function keyOf(root: string, { files }: PlannedLayer): string {
  const content = files.map(({ id, file }) => [id, file.size, file.sha256]);
  return digestOf(JSON.stringify([root, content]));
}
