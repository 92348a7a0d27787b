import { parseArgs } from "node:util";

export interface Options {
  /** Names of the rows to measure; empty: all but those that are measured on demand only. */
  readonly only: readonly string[];
  /** Bytes of weights in the first rows; the others take parts of it. */
  readonly size: number;
  /** How often what takes seconds is measured; the median counts. */
  readonly repeat: number;
  /** Where the JSON document goes; undefined: standard output. */
  readonly out: string | undefined;
  /** The bundle that is measured: its `cli/` and `main/`. */
  readonly dist: string;
  readonly help: boolean;
}

export function readOptions(argv: readonly string[], variables: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string", multiple: true, default: [] },
      size: { type: "string", default: variables["BENCH_SIZE"] ?? "1GiB" },
      repeat: { type: "string", default: "3" },
      out: { type: "string" },
      dist: { type: "string", default: "dist" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const repeat = Number(values.repeat);
  if (!Number.isInteger(repeat) || repeat < 1)
    throw new Error(`--repeat: "${values.repeat}" is no number of times.`);
  return { ...values, out: values.out, size: parseSize(values.size), repeat };
}

/** `64MiB`, `1 GiB`, `800MB` or plain bytes. */
function parseSize(text: string): number {
  const units: Readonly<Record<string, number>> = {
    "": 1,
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    KIB: 2 ** 10,
    MIB: 2 ** 20,
    GIB: 2 ** 30,
  };
  const [, number, unit = ""] = /^([\d.]+)\s*([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const factor = units[unit.toUpperCase()];
  const bytes = Math.floor(Number(number) * (factor ?? Number.NaN));
  if (Number.isNaN(bytes) || bytes < 2 ** 20)
    throw new Error(`--size: "${text}" is no size of at least 1 MiB, such as 64MiB or 1GiB.`);
  return bytes;
}
