import type { Verdict } from "../../../src/acceptance/check.ts";

/** A machine with cards, as the nvidia-smi beside this file tells them, and what the checks `gpu` and `vram` make of it. */
export interface Machine {
  readonly name: string;
  /** What nvidia-smi says; undefined: there is none. */
  readonly smi?: Smi;
  /** What PyTorch says inside; undefined: there is none. */
  readonly torch?: { readonly cuda: string; readonly cards: number };
  /** Bytes that the node says it uses on the card. */
  readonly own?: number;
  readonly inputs?: readonly string[];
  readonly gpu: Expected;
  readonly vram: Expected;
  /** Why `resources` fails, which no other check does. */
  readonly resources?: RegExp;
}

interface Smi {
  readonly cards: readonly {
    readonly uuid: string;
    readonly name: string;
    readonly driver: string;
    readonly mig?: string;
  }[];
  /** Processes on a card: the node's own, found in /proc by their environment, or another one of this machine. */
  readonly apps?: readonly {
    readonly who: "sidecar" | "director" | "other";
    readonly card: number;
    readonly mib: number | string;
  }[];
  /** From which question for processes to which it fails. */
  readonly fails?: readonly [number, number];
  /** How many of the cards are seen inside the node. */
  readonly inside?: number;
  /** It says this and nothing else. */
  readonly broken?: string;
}

export type Expected = readonly [
  verdict: Verdict,
  reason?: RegExp | undefined,
  measured?: Readonly<Record<string, number>>,
];

const MiB = 1024 ** 2;
const passed: Expected = ["passed"];
const afterGpu: Expected = ["skipped", /^after gpu$/];

const card = (driver: string) => ({ uuid: "GPU-aaaa", name: "NVIDIA L4", driver });
const [one, other] = [card("550.54.15"), { ...card("550.54.15"), uuid: "GPU-bbbb" }];
const torch = { cuda: "12.6", cards: 1 };
const sidecar = { who: "sidecar", card: 0, mib: 2_000 } as const;
const director = { who: "director", card: 0, mib: 24 } as const;
const alone = { cards: [one], apps: [sidecar, director] };
const own = 2_024 * MiB;
const steady = { peakBytes: own, steadyBytes: own };

export const machines: readonly Machine[] = [
  {
    name: "one card with the node alone: its processes are summed",
    ...{ smi: alone, torch, own },
    gpu: passed,
    vram: ["passed", undefined, { ...steady, ownBytes: own }],
  },
  {
    name: "two cards: the node's memory on both is summed",
    smi: { cards: [one, other], apps: [sidecar, { ...sidecar, card: 1, mib: 500 }] },
    torch: { ...torch, cards: 2 },
    own: 2_500 * MiB,
    gpu: passed,
    vram: ["passed", undefined, { peakBytes: 2_500 * MiB, steadyBytes: 2_500 * MiB }],
  },
  {
    name: "a figure that is less than 10 % off",
    ...{ smi: alone, torch, own: 1.09 * own },
    gpu: passed,
    vram: passed,
  },
  {
    name: "a figure that is half of what the card says",
    ...{ smi: alone, torch, own: own / 2 },
    gpu: passed,
    vram: ["failed", /^the node says 1\.06 GB, the card 2\.12 GB: 50 % apart, 10 % are allowed$/],
  },
  {
    name: "more memory than is allowed",
    ...{ smi: alone, torch, own },
    inputs: ["--max-vram", "2GB"],
    gpu: passed,
    vram: ["failed", /^the peak is 2\.12 GB, 2\.00 GB are the limit$/],
    resources: /^its memory on the card came to 2\.12 GB under load, 2\.00 GB are the limit$/,
  },
  {
    name: "a node that is on no card",
    ...{ smi: { cards: [one] }, torch, own: 0 },
    gpu: passed,
    vram: ["failed", /^the node has no memory on the card$/],
  },
  {
    name: "MIG, under which the driver refuses figures of processes",
    smi: { ...alone, cards: [{ ...one, name: "NVIDIA H100", mig: "Enabled" }] },
    ...{ torch, own },
    gpu: passed,
    vram: ["skipped", /^unsupported: MIG is on: the driver refuses figures of single processes$/],
  },
  {
    name: "MIG, though a GPU is required",
    smi: { ...alone, cards: [{ ...one, name: "NVIDIA H100", mig: "Enabled" }] },
    ...{ torch, own },
    inputs: ["--gpu", "required"],
    gpu: passed,
    vram: ["failed", /^gpu: required, but its memory cannot be told: unsupported: MIG is on/],
  },
  {
    name: "a driver that does not tell the memory of processes",
    smi: { cards: [one], apps: [{ ...sidecar, mib: "[N/A]" }] },
    ...{ torch, own },
    gpu: passed,
    vram: ["skipped", /^unsupported: the driver does not tell the memory of single processes$/],
  },
  {
    name: "another program on the card",
    smi: { cards: [one], apps: [...alone.apps, { who: "other", card: 0, mib: 900 }] },
    ...{ torch, own },
    gpu: passed,
    vram: ["inconclusive", /^others use the card too \(processes \d+/, steady],
  },
  {
    name: "an nvidia-smi that fails once",
    smi: { ...alone, fails: [2, 2] },
    ...{ torch, own },
    gpu: passed,
    vram: ["passed", undefined, steady],
  },
  {
    name: "a card that is lost",
    smi: { ...alone, fails: [3, 9_999] },
    ...{ torch, own },
    gpu: passed,
    vram: ["inconclusive", /^the card gives no figures any more: nvidia-smi: .*GPU is lost\.$/],
  },
  {
    name: "a driver that is too old",
    smi: { ...alone, cards: [card("470.82.01")] },
    ...{ torch: { ...torch, cuda: "11.8" }, own },
    gpu: ["failed", /^the driver is 470\.82\.01, 535 or newer is wanted$/],
    vram: afterGpu,
  },
  {
    name: "a driver that is too old for PyTorch's CUDA",
    ...{ smi: alone, torch: { ...torch, cuda: "13.0" }, own },
    gpu: ["failed", /^torch is built for CUDA 13\.0, the driver 550\.54\.15 runs CUDA 12 at most$/],
    vram: afterGpu,
  },
  {
    name: "a node without PyTorch",
    ...{ smi: alone, own },
    gpu: ["failed", /^torch does not run in it: ModuleNotFoundError: No module named 'torch'$/],
    vram: afterGpu,
  },
  {
    name: "a node that sees one of two cards",
    smi: { ...alone, cards: [one, other], inside: 1 },
    ...{ torch, own },
    gpu: [
      "failed",
      /^it sees 1 cards, this machine has 2; torch sees 1 cards, this machine has 2$/,
    ],
    vram: afterGpu,
  },
  {
    name: "no GPU, though one is required",
    inputs: ["--gpu", "required"],
    gpu: ["failed", /^this machine has no GPU: nvidia-smi could not be started$/],
    vram: afterGpu,
  },
  {
    name: "a driver that is not loaded, though a GPU is required",
    smi: { cards: [], broken: "NVIDIA-SMI has failed: it could not talk to the driver." },
    inputs: ["--gpu", "required"],
    gpu: ["failed", /^this machine has no GPU: nvidia-smi: NVIDIA-SMI has failed: it could not/],
    vram: afterGpu,
  },
  {
    name: "no GPU, and none required",
    gpu: ["skipped", /^no GPU: nvidia-smi could not be started$/],
    vram: afterGpu,
  },
];
