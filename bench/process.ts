import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export interface Usage {
  readonly seconds: number;
  /** Seconds of processor time, of its children too. */
  readonly processor: number;
  /** Bytes: VmHWM as /proc showed it last. */
  readonly peakMemory: number;
  /** Bytes: write_bytes of /proc/PID/io, what the process made the kernel write to disk. */
  readonly written: number;
  readonly stdout: string;
}

const running = new Set<ChildProcess>();
let stopped = false;

/** Runs a program to its end; an error with its last words if it fails. Memory and disk are looked at every few milliseconds. */
export async function measured(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, "cwd" | "env"> = {},
): Promise<Usage> {
  if (stopped) throw new Error("Interrupted.");
  const begun = performance.now();
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
  const seen = { processor: 0, peakMemory: 0, written: 0 };
  const look = setInterval(() => {
    seen.processor = Math.max(seen.processor, processorOf(child.pid));
    seen.peakMemory = Math.max(seen.peakMemory, peakMemory(child.pid));
    seen.written = Math.max(seen.written, writtenBy(child.pid));
  }, 10);
  const [code, signal] = await once(child, "close").finally(() => {
    clearInterval(look);
    running.delete(child);
  });
  const seconds = (performance.now() - begun) / 1000;
  if (code !== 0) {
    const said = Buffer.concat([...stdout, ...stderr])
      .toString()
      .slice(-2000);
    throw new Error(`${program} ${args.join(" ")}: ended with ${code ?? signal}\n${said}`);
  }
  return { seconds, ...seen, stdout: Buffer.concat(stdout).toString() };
}

/** Bytes; 0 for a process that is no more. */
function peakMemory(pid: number | undefined): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(proc(pid, "status"))?.[1] ?? 0);
}

/** Bytes that the process, and its children that have ended, made the kernel write; 0 for a process that is no more. */
export function writtenBy(pid: number | undefined): number {
  return Number(/^write_bytes: (\d+)/m.exec(proc(pid, "io"))?.[1] ?? 0);
}

/** utime, stime, cutime and cstime (proc(5)), in ticks of a hundredth of a second. */
function processorOf(pid: number | undefined): number {
  const [, fields = ""] = proc(pid, "stat").split(") ");
  const ticks = fields.split(" ").slice(11, 15).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) / 100;
}

function proc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** Ends the programs that are measured right now, and measures no more: for a signal that comes in the middle. */
export async function stopMeasuring(): Promise<void> {
  stopped = true;
  await Promise.all([...running].map(stop));
}

/** Ends a process of our own: politely, and after ten seconds by force. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(10_000, "late", { ref: false });
  if ((await Promise.race([exit, late])) !== "late") return;
  child.kill("SIGKILL");
  await exit;
}

/** Waits until something is so, at most 20 s. */
export async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    if (await is()) return;
    if (Date.now() > deadline) throw new Error(`${what} did not come up in 20 s.`);
    await setTimeout(20);
  }
}
