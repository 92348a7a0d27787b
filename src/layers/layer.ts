import {
  blockSize,
  type FolderOwner,
  padded,
  type TarEntry,
  tarHeader,
  tarHeaderSize,
} from "./tar-header.ts";

/** Changes whenever the same files would give other layer bytes; the golden digest in the tests holds it. */
export const layerFormat = 1;

/** A file of a layer by its path in the image without leading slash: `models/kokoro-82m/kokoro-v1_0.pth`. */
export interface LayerFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** A piece of a layer: bytes that follow from the names and sizes, or the content of a file. */
type Segment<F extends LayerFile> =
  | { readonly at: number; readonly size: number; readonly bytes: Uint8Array }
  | { readonly at: number; readonly size: number; readonly file: F };

/** What a layer is made of, in order, without reading any file. */
export interface Layout<F extends LayerFile> {
  /** Bytes of the whole layer. */
  readonly size: number;
  readonly segments: readonly Segment<F>[];
}

/**
 * The layout of an uncompressed OCI layer (image specification, layer.md): every parent folder once, entries sorted by the bytes of
 * their paths, two zero blocks at the end. `owners` names folders that are not root's.
 */
export function layerLayout<F extends LayerFile>(
  files: readonly F[],
  owners: Readonly<Record<string, FolderOwner>> = {},
): Layout<F> {
  const segments: Segment<F>[] = [];
  let at = 0;
  const add = (segment: { bytes: Uint8Array } | { file: F }, size: number) => {
    if (size > 0 || "file" in segment) segments.push({ ...segment, at, size } as Segment<F>);
    at += size;
  };
  for (const { entry, file } of entriesOf(files)) {
    const header = tarHeader({ ...entry, owner: owners[entry.path] });
    add({ bytes: header }, header.length);
    if (file === undefined) continue;
    add({ file }, file.size);
    const padding = padded(file.size) - file.size;
    add({ bytes: new Uint8Array(padding) }, padding);
  }
  add({ bytes: new Uint8Array(2 * blockSize) }, 2 * blockSize);
  return { size: at, segments };
}

/** Bytes of the layer that these files make. */
export function layerSize(files: readonly LayerFile[]): number {
  const folders = new Set(files.flatMap(({ path }) => parentFolders(path)));
  const sizes = [
    2 * blockSize,
    ...[...folders].map((path) => tarHeaderSize({ path, type: "folder", size: 0 })),
    ...files.map(({ path, size }) => tarHeaderSize({ path, type: "file", size }) + padded(size)),
  ];
  return sizes.reduce((sum, size) => sum + size, 0);
}

function entriesOf<F extends LayerFile>(files: readonly F[]): readonly Entry<F>[] {
  const folders = new Set(files.flatMap(({ path }) => parentFolders(path)));
  const entries: Entry<F>[] = [
    ...[...folders].map((path) => ({ entry: { path, type: "folder", size: 0 } as const })),
    ...files.map((file) => ({
      entry: { path: file.path, type: "file", size: file.size } as const,
      file,
    })),
  ];
  return entries
    .map((entry) => ({ ...entry, key: Buffer.from(entry.entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
}

interface Entry<F> {
  readonly entry: TarEntry;
  readonly file?: F;
}

/** The folders above a path, the outermost first, without slashes at their ends. */
export function parentFolders(path: string): string[] {
  const found: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1))
    found.push(path.slice(0, at));
  return found;
}
