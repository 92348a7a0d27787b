import type { Options } from "./options.ts";
import type { Scratch } from "./scratch.ts";

/** One thing that was measured. Seconds are the median of `runs`. */
export interface Measurement {
  readonly name: string;
  readonly seconds: number;
  readonly runs: readonly number[];
  /** Seconds of processor time of the process that was started. */
  readonly processor?: number;
  /** Bytes; its own peak (VmHWM). */
  readonly peakMemory?: number;
  /** Bytes that the processes at work made the kernel write to disk. */
  readonly written?: number;
  /** Bytes that came over the network. */
  readonly downloaded?: number;
  readonly requests?: number;
  /** How many times the subject's seconds this took; of the subject itself 1. */
  readonly ratio?: number;
}

/** A promise of the project, and what was seen. */
export interface Goal {
  readonly goal: string;
  readonly seen: string;
  readonly met: boolean;
}

export interface RowResult {
  readonly row: string;
  readonly title: string;
  /** The first is ours, the others are what it is compared with. */
  readonly measurements: readonly Measurement[];
  readonly goals: readonly Goal[];
}

/** What a row has to work with. */
export interface Bench {
  readonly options: Options;
  readonly scratch: Scratch;
  /** Says what is going on, on standard error. */
  readonly say: (line: string) => void;
}

export interface Row {
  readonly name: string;
  readonly about: string;
  /** Measured only when it is asked for by name. */
  readonly onDemand?: true;
  readonly measure: (bench: Bench) => Promise<readonly RowResult[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 === 1
      ? [sorted[middle], sorted[middle]]
      : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}

/** Several runs of one thing as one measurement; of memory and bytes the largest counts. */
export function measurement(
  name: string,
  runs: readonly (Partial<Measurement> & { readonly seconds: number })[],
): Measurement {
  const seconds = runs.map((run) => run.seconds);
  const largest = (pick: (run: Partial<Measurement>) => number | undefined) => {
    const values = runs.flatMap((run) => pick(run) ?? []);
    return values.length === 0 ? undefined : Math.max(...values);
  };
  const figures = {
    processor: largest((run) => run.processor),
    peakMemory: largest((run) => run.peakMemory),
    written: largest((run) => run.written),
    downloaded: largest((run) => run.downloaded),
    requests: largest((run) => run.requests),
  };
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return { name, seconds: median(seconds), runs: seconds, ...Object.fromEntries(known) };
}

/** Gives each measurement its ratio to the first. */
export function compared(measurements: readonly Measurement[]): readonly Measurement[] {
  const [subject] = measurements;
  return measurements.map((one) => ({ ...one, ratio: one.seconds / (subject?.seconds ?? 1) }));
}
