import type { BlobSource } from "../images/blob.ts";
import { digestOf } from "../images/digest.ts";
import { type Layout, layerLayout } from "../layers/layer.ts";
import { layerStream } from "../layers/layer-stream.ts";
import type { FolderOwner } from "../layers/tar-header.ts";
import { type CompleteLock, imagePath, lockName, type ModelFile } from "./lock.ts";
import { formatLock } from "./lock-text.ts";
import type { PlannedLayer } from "./pack.ts";
import { layerName } from "./plan.ts";
import type { CheckedFile } from "./sources/checked-file.ts";

interface Member {
  readonly path: string;
  readonly size: number;
  readonly member: ModelFile;
}

export function layoutOf(root: string, files: readonly ModelFile[]): Layout<Member> {
  return layerLayout(
    files.map((member) => ({
      path: imagePath(root, member.id),
      size: member.file.size,
      member,
    })),
  );
}

/** A model layer as a blob that is made while it is read; each of its files is checked on the way. */
export function layerSource(
  root: string,
  { digest, size, files }: PlannedLayer,
  readerOf: (file: ModelFile) => CheckedFile,
): BlobSource {
  const layout = layoutOf(root, files);
  const readers = new Map(files.map((file) => [file.id, readerOf(file)]));
  const open = ({ member }: Member, from: number, signal?: AbortSignal) => {
    const reader = readers.get(member.id) ?? readerOf(member);
    return reader.open(from, signal);
  };
  return {
    name: layerName(files),
    size,
    ...(digest === undefined ? {} : { digest }),
    open: (from, signal) => layerStream(layout, open, from, signal),
  };
}

/** The lock's own layer: `<root>/models.lock.json` and the folders above it. It lies on top of everything, so the root keeps the owner that the image gave it. */
export function lockLayer(lock: CompleteLock, owner?: FolderOwner) {
  const content = new TextEncoder().encode(formatLock(lock));
  const { segments } = layerLayout(
    [{ path: imagePath(lock.root, lockName), size: content.length }],
    owner === undefined ? {} : { [lock.root.slice(1)]: owner },
  );
  const bytes = Buffer.concat(
    segments.map((segment) => ("bytes" in segment ? segment.bytes : content)),
  );
  return { digest: digestOf(bytes), size: bytes.length, bytes };
}

/** The lock's text from its own layer; undefined if the bytes are not such a layer under this root. */
export function lockTextOf(root: string, layer: Uint8Array): string | undefined {
  const { segments } = layerLayout([{ path: imagePath(root, lockName), size: 1 }]);
  const start = segments.find((segment) => "file" in segment)?.at ?? 0;
  const header = Buffer.from(layer.subarray(start - 512, start));
  const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
  if (Number.isNaN(size) || start + size > layer.length) return undefined;
  return new TextDecoder().decode(layer.subarray(start, start + size));
}
