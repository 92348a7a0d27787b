import { inSentence } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";

/** One card, as `nvidia-smi --query-gpu` tells it. */
export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly driver: string;
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** Cut into MIG instances: the figures of single processes are refused then. */
  readonly mig: boolean;
}

/** Memory of a process on a card; undefined where the driver does not tell. */
export interface ComputeApp {
  readonly pid: number;
  readonly gpu: string;
  readonly usedBytes: number | undefined;
}

export interface Gpus {
  readonly cards: readonly Gpu[];
  /** The programs on the cards at this moment. */
  apps(): Promise<readonly ComputeApp[]>;
  /** The cards at this moment. */
  now(): Promise<readonly Gpu[]>;
}

const mebibyte = 1024 ** 2;
const csv = "--format=csv,noheader,nounits";
/** What nvidia-smi is asked for, here and inside the node. */
export const cardQuery = [
  "--query-gpu=index,uuid,name,driver_version,memory.total,memory.used,mig.mode.current",
  csv,
] as const;
const appFields = "pid,gpu_uuid,used_memory";

/** Reads the machine's cards; undefined where there is no nvidia-smi or it finds none, with what it said. */
export async function findGpus(exec: Exec): Promise<{ gpus?: Gpus; why: string }> {
  const ask = async (...query: readonly string[]) => {
    const { code, stdout, stderr } = await exec("nvidia-smi", query);
    if (code !== 0) throw new Error(`nvidia-smi: ${(stderr || stdout).trim() || `exit ${code}`}`);
    return stdout;
  };
  const now = async () => parseCards(await ask(...cardQuery));
  try {
    const cards = await now();
    if (cards.length === 0) return { why: "nvidia-smi lists no card" };
    const apps = async () => parseApps(await ask(`--query-compute-apps=${appFields}`, csv));
    return { gpus: { cards, apps, now }, why: "" };
  } catch (error) {
    return { why: inSentence(error instanceof Error ? error.message : String(error)) };
  }
}

/** The cards that an acceptance looks at, as the input `gpu` says. */
export async function gpusFor(
  mode: "auto" | "required" | "off",
  exec: Exec,
): Promise<Gpus | undefined> {
  return mode === "off" ? undefined : (await findGpus(exec)).gpus;
}

/** Reads `--query-gpu`; sizes come in MiB. */
export function parseCards(text: string): readonly Gpu[] {
  return rows(text).map(([index, uuid = "", name = "", driver = "", total, used, mig]) => ({
    index: Number(index),
    uuid,
    name,
    driver,
    totalBytes: Number(total) * mebibyte,
    usedBytes: Number(used) * mebibyte,
    mig: mig === "Enabled",
  }));
}

/** Reads `--query-compute-apps`; `[N/A]` and `[Not Supported]` are what a driver says that does not tell. */
export function parseApps(text: string): readonly ComputeApp[] {
  return rows(text).map(([pid, gpu = "", used]) => {
    const mebibytes = Number(used);
    return {
      pid: Number(pid),
      gpu,
      usedBytes: Number.isFinite(mebibytes) ? mebibytes * mebibyte : undefined,
    };
  });
}

function rows(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split(",").map((field) => field.trim()));
}

/** What a card holds for a node, and what stands in the way of saying so. */
export type VramReading =
  | { readonly bytes: number; readonly foreign: readonly number[] }
  | { readonly unknown: string };

/** The memory of the node's processes on all cards, by the driver's own figures. Pure. */
export function vramOf(
  cards: readonly Gpu[],
  apps: readonly ComputeApp[],
  pids: ReadonlySet<number>,
): VramReading {
  if (cards.some(({ mig }) => mig))
    return { unknown: "MIG is on: the driver refuses figures of single processes" };
  const own = apps.filter(({ pid }) => pids.has(pid));
  if (own.some(({ usedBytes }) => usedBytes === undefined))
    return { unknown: "the driver does not tell the memory of single processes" };
  return {
    bytes: own.reduce((sum, { usedBytes = 0 }) => sum + usedBytes, 0),
    foreign: apps.filter(({ pid }) => !pids.has(pid)).map(({ pid }) => pid),
  };
}

/**
 * The newest major version of CUDA whose programs a driver runs (NVIDIA, "CUDA Compatibility", minor version compatibility): 525 and up run all
 * of 12, 580 and up all of 13. Pure.
 */
export function cudaMajorOf(driver: string): number {
  const major = Number.parseInt(driver, 10);
  // Newer than what is known here: whatever it runs, nothing is refused for it.
  if (major >= 600) return Number.POSITIVE_INFINITY;
  if (major >= 580) return 13;
  if (major >= 525) return 12;
  return major >= 450 ? 11 : 0;
}

/** Whether a version of a driver is at least another: `550.54.15` and `535`. Pure. */
export function isAtLeast(version: string, least: string): boolean {
  const [seen, wanted] = [version, least].map((text) => text.split(".").map(Number));
  for (const [at, part] of (wanted ?? []).entries()) {
    const other = seen?.[at] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}
