import { spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stop } from "./process.ts";
import type { Scratch } from "./scratch.ts";

const model = "weights";

export interface File {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** Files that look like weights and cannot be compressed, in a folder and on a server of their own. */
export interface Weights {
  /** Holds the files as they are in an image: `models/weights/<path>`. */
  readonly folder: string;
  readonly files: readonly File[];
  /** Bytes of all files. */
  readonly size: number;
  /** A server in a process of its own; a file is at `<url>/<anything>/models/weights/<path>`. */
  readonly url: string;
  /** An open lock of these files, by that server. */
  readonly lock: string;
}

/** Makes files of these sizes, their lock, and starts their server. */
export async function makeWeights(scratch: Scratch, sizes: readonly number[]): Promise<Weights> {
  const folder = await scratch.folder("weights");
  const files: File[] = [];
  for (const [at, size] of sizes.entries()) {
    const path = `part-${at + 1}.safetensors`;
    files.push({ path, size, sha256: await randomFile(join(folder, "models", model, path), size) });
  }
  const url = await serve(scratch, folder);
  const lock = join(folder, "models.lock.json");
  await writeFile(lock, lockOf(`${url}/lock/models/${model}/`, files));
  return { folder, files, size: files.reduce((sum, file) => sum + file.size, 0), url, lock };
}

/** The place of a file below the folder and below any address of the server. */
export function placeOf({ path }: File): string {
  return `models/${model}/${path}`;
}

export function lockOf(url: string, files: readonly File[]): string {
  const entry = {
    ...{ name: model, title: "Weights", delivery: "bake", license: "mit" },
    source: { url },
    files,
  };
  return `${JSON.stringify({ version: 1, root: "/models", models: [entry] }, null, 2)}\n`;
}

/** Writes a safetensors file of one tensor of random bytes; gives its sha256. */
export async function randomFile(path: string, size: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx");
  const hash = createHash("sha256");
  const piece = Buffer.alloc(4 * 2 ** 20);
  for (let at = 0; at < size; at += piece.length) {
    const bytes = randomFillSync(piece).subarray(0, size - at);
    if (at === 0) bytes.write(headerOf(size - 88), "latin1");
    hash.update(bytes);
    await file.writeFile(bytes);
  }
  await file.sync();
  await file.close();
  return hash.digest("hex");
}

/** 88 bytes. */
function headerOf(length: number): string {
  const tensor = { dtype: "U8", shape: [length], data_offsets: [0, length] };
  return `P\0\0\0\0\0\0\0${JSON.stringify({ w: tensor }).padEnd(80)}`;
}

async function serve(scratch: Scratch, folder: string): Promise<string> {
  const program = join(import.meta.dirname, "file-server.ts");
  const child = spawn(process.execPath, [program, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  scratch.later(() => stop(child));
  const [said] = await once(child.stdout, "data");
  return String(said).trim();
}
