import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { lfsEndings } from "./models.ts";

/** A file of a hub repository, as the hub's listing describes it. */
export interface HubFile {
  readonly path: string;
  /** Where its bytes are on this machine. */
  readonly location: string;
  readonly size: number;
  readonly modified: Date;
  /** The git blob's SHA-1: of the content, or of the pointer of a Git LFS object. */
  readonly blobId: string;
  /** Present where the file is a Git LFS object. */
  readonly lfs?: { readonly sha256: string; readonly pointerSize: number };
}

export interface HubRepository {
  /** 40 hex digits that follow from the files' paths and contents. */
  readonly commit: string;
  /** In the order of their paths. */
  readonly files: readonly HubFile[];
}

/** Reads a repository's folder as it is now; a file is hashed again only if its time or size changed. */
export class RepositoryReader {
  readonly #root: string;
  readonly #known = new Map<string, HubFile>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @returns undefined where there is no such repository */
  async read(name: string): Promise<HubRepository | undefined> {
    if (!/^[^/]+\/[^/]+$/.test(name)) return undefined;
    const folder = join(this.#root, name);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
    if (paths.length === 0) return undefined;
    const files = await Promise.all(paths.map((path) => this.#file(folder, path)));
    const tree = files.map(({ path, blobId }) => `${blobId} ${path}\n`).join("");
    return { commit: createHash("sha1").update(tree).digest("hex"), files };
  }

  async #file(folder: string, path: string): Promise<HubFile> {
    const location = join(folder, path);
    const { size, mtime: modified } = await stat(location);
    const known = this.#known.get(location);
    if (known?.size === size && known.modified.getTime() === modified.getTime()) return known;
    const content = await readFile(location);
    const file = { path, location, size, modified, ...identity(path, content) };
    this.#known.set(location, file);
    return file;
  }
}

function identity(path: string, content: Buffer): Pick<HubFile, "blobId" | "lfs"> {
  if (!lfsEndings.some((ending) => path.endsWith(ending))) return { blobId: gitBlobId(content) };
  const sha256 = createHash("sha256").update(content).digest("hex");
  const pointer = Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${content.length}\n`,
  );
  return { blobId: gitBlobId(pointer), lfs: { sha256, pointerSize: pointer.length } };
}

function gitBlobId(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
