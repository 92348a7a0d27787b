import { IntegrityError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { eachLimited } from "../retry/each-limited.ts";
import { type DiskFile, readDiskFile } from "./disk-file.ts";
import type { FileVerdict } from "./gate/gate.ts";
import { layersIn, type ModelsImageAt } from "./image-files.ts";
import { type FoundFile, LayerCheck } from "./layer-check.ts";
import { filesOf, type Lock, type ModelFile } from "./lock.ts";
import type { PlannedLayer } from "./pack.ts";
import type { ReadableStore } from "./published.ts";
import { grouped } from "./sources/place.ts";

export interface VerifyPorts {
  readonly files: Pick<Files, "open" | "lstat">;
  readonly log: Pick<Log, "progress">;
}

export type VerifyOptions = {
  /** Files or layers side by side; 2 by default. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
} & ({ readonly folder: string } | { readonly image: ModelsImageAt });

/** What was found of each file of the lock, in its order. */
export interface VerifiedModels {
  readonly verdict: "passed" | "failed";
  readonly files: readonly VerifiedFile[];
}

/** With type, rule and notes of the gate where the bytes are the lock's. */
type VerifiedFile = Pick<FileVerdict, "file" | "verdict" | "reason"> & Partial<FileVerdict>;

/** Reads every byte of a folder or an image, and says of each file whether it is the lock's and passes the gate. */
export async function verifyModels(
  lock: Lock,
  ports: VerifyPorts,
  options: VerifyOptions,
): Promise<VerifiedModels> {
  const files = filesOf(lock.models);
  const bar = ports.log.progress(
    "verified",
    files.reduce((sum, { file }) => sum + file.size, 0),
  );
  let done = 0;
  const onFile = ({ file }: ModelFile) => {
    done += file.size;
    bar.update(done);
  };
  try {
    const found =
      "folder" in options
        ? await verifyFolder(files, options.folder, ports.files, onFile, options)
        : await verifyImage(lock, options.image, onFile, options);
    const failed = found.some(({ verdict }) => verdict === "failed");
    return { verdict: failed ? "failed" : "passed", files: found };
  } finally {
    bar.end();
  }
}

type Limits = Pick<VerifyOptions, "concurrency" | "signal">;

async function verifyFolder(
  files: readonly ModelFile[],
  folder: string,
  disk: Pick<Files, "open" | "lstat">,
  onFile: (file: ModelFile) => void,
  { concurrency = 2, signal }: Limits,
): Promise<readonly VerifiedFile[]> {
  const verify = async (file: ModelFile, stop: AbortSignal) => {
    const seen = await readDiskFile(folder, file.id, file.file, disk, stop);
    onFile(file);
    return onDisk(file, seen);
  };
  return await eachLimited(files, concurrency, verify, signal);
}

function onDisk(file: ModelFile, seen: DiskFile): VerifiedFile {
  if (seen === "missing") return failed(file, "is not there");
  if ("link" in seen) return failed(file, `${seen.link} is a symbolic link`);
  if ("size" in seen)
    return failed(
      file,
      `has ${grouped(seen.size)} bytes, the lock says ${grouped(file.file.size)}`,
    );
  return judged(file, seen.sha256, seen.verdict);
}

async function verifyImage(
  lock: Lock,
  image: ModelsImageAt,
  onFile: (file: ModelFile) => void,
  { concurrency = 2, signal }: Limits,
): Promise<readonly VerifiedFile[]> {
  const wanted = filesOf(lock.models);
  const allowed = new Map(wanted.map(({ id, file }) => [id, file.allow]));
  const found = new Map<string, FoundFile>();
  const problems = new Map<string, string>();
  const verify = async (layer: PlannedLayer, stop: AbortSignal) => {
    try {
      // The list of files may be the image's own: what is let pass is said by this lock.
      const files = layer.files.map(({ id, model, file }) => {
        return { id, model, file: { ...file, allow: allowed.get(id) } };
      });
      for (const file of await filesIn(lock.root, { ...layer, files }, image.store, stop))
        found.set(file.member.id, file);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      for (const { id } of layer.files) problems.set(id, error.message);
    }
    for (const file of layer.files) onFile(file);
  };
  await eachLimited(await layersIn(lock, image), concurrency, verify, signal);
  return wanted.map((file) => {
    const problem = problems.get(file.id);
    if (problem !== undefined) return failed(file, problem);
    const there = found.get(file.id);
    return there === undefined
      ? failed(file, "is in no layer of the image")
      : judged(file, there.sha256, there.verdict);
  });
}

/** Reads a layer whole: its digest is the store's to check. */
async function filesIn(
  root: string,
  layer: PlannedLayer,
  store: ReadableStore,
  signal: AbortSignal,
): Promise<readonly FoundFile[]> {
  const check = new LayerCheck(root, layer);
  for await (const piece of store.readBlob(layer.digest as Digest, 0, signal)) check.feed(piece);
  return check.end();
}

function judged({ id, file }: ModelFile, sha256: string, verdict: FileVerdict): VerifiedFile {
  if (sha256 !== file.sha256)
    return failed({ id }, `has sha256 ${sha256}, the lock says ${file.sha256}`);
  const { reason, rule } = verdict;
  if (verdict.verdict === "passed") return { ...verdict, file: id };
  return { ...verdict, file: id, reason: `the weights gate refuses it (rule ${rule}): ${reason}` };
}

function failed({ id }: Pick<ModelFile, "id">, reason: string): VerifiedFile {
  return { file: id, verdict: "failed", reason };
}
