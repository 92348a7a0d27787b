import { createHash } from "node:crypto";
import { open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onnx } from "../../examples/miniature/onnx.ts";
import { pytorchZip } from "../../examples/miniature/pytorch-zip.ts";
import { safetensors } from "../../examples/miniature/safetensors.ts";
import { randomTensor, type Tensor } from "../../examples/miniature/tensor.ts";
import { amount } from "../../src/amount.ts";
import { openGate } from "../../src/models/gate/gate.ts";
import { type Bench, compared, measurement, type Row, type RowResult } from "../row.ts";

/** What the gate for weights adds to the fastest stream that there is: a file on this disk that is read and hashed (`models verify --dir`). */
export const gateRow: Row = {
  name: "gate",
  about: "the gate for weights: reading and hashing a file with it and without it, by format",
  measure: async ({ options, scratch, say }: Bench) => {
    const path = join(await scratch.folder("gate"), "file");
    const results: RowResult[] = [];
    for (const [format, make] of Object.entries(formats)) {
      await writeFile(path, make(Math.floor(options.size / 4)));
      const { size } = await stat(path);
      say(`${format}, ${amount(size)}`);
      results.push(await measure(format, { path, size }, 4 * options.repeat));
    }
    return results;
  },
};

interface File {
  readonly path: string;
  readonly size: number;
}

/** Tensors of one mebibyte each, as many as it takes. */
function tensors(size: number): readonly Tensor[] {
  const { dtype, shape, data } = randomTensor("gate", "F32", "w", [512, 512]);
  return Array.from({ length: Math.max(1, Math.floor(size / data.length)) }, (_, at) => ({
    ...{ name: `model.layers.${at}.self_attn.q_proj.weight`, dtype, shape, data },
  }));
}

const formats: Readonly<Record<string, (size: number) => Buffer>> = {
  safetensors: (size) => safetensors(tensors(size)),
  "torch.save": (size) => pytorchZip(new Map(tensors(size).map((one) => [one.name, one]))),
  ONNX: (size) =>
    onnx({
      name: "g",
      input: ["x", [1]],
      output: ["y", [1]],
      nodes: Array.from({ length: 2000 }, (_, at) => ({
        ...{ op: "Add", inputs: [`x${at}`, "w"], output: `x${at + 1}` },
      })),
      weights: tensors(size),
    }),
  "a tokenizer (JSON)": (size) => {
    const line = '      "<|token|>": 49407, "Ġcafé": 12, "[UNK]": 100,\n';
    return Buffer.from(`{\n${line.repeat(Math.floor(size / 8 / line.length))}}\n`);
  },
};

/** Rounds that do not count: the code of both is compiled in them. */
const warmUps = 5;

interface Run {
  readonly seconds: number;
  readonly processor: number;
}

/** With the gate and without it in turns, so that both meet the same machine. */
async function measure(format: string, file: File, rounds: number): Promise<RowResult> {
  const runs = { gated: [] as Run[], plain: [] as Run[] };
  for (let round = -warmUps; round < rounds; round += 1) {
    const kinds =
      Math.abs(round) % 2 === 0 ? (["gated", "plain"] as const) : (["plain", "gated"] as const);
    for (const kind of kinds) {
      const run = await stream(file, kind === "gated");
      if (round >= 0) runs[kind].push(run);
    }
  }
  // Of a difference this small, other programs' share would be most: the least that each took is compared.
  const processor = (all: readonly Run[]) => Math.min(...all.map((run) => run.processor));
  const ratio = processor(runs.gated) / processor(runs.plain);
  return {
    row: `gate-${format.split(" ")[0]?.toLowerCase()}`,
    title: `The gate for weights: ${amount(file.size)} of ${format}, read from disk and hashed`,
    measurements: compared([
      { ...measurement("with the gate", runs.gated), processor: processor(runs.gated) },
      { ...measurement("without it", runs.plain), processor: processor(runs.plain) },
    ]),
    goals: [
      {
        goal: "at most 10 % more time of the processor",
        seen: `${((ratio - 1) * 100).toFixed(1)} %`,
        met: ratio <= 1.1,
      },
    ],
  };
}

/** One for all runs: the page faults of new ones would hide the rest. */
const buffer = Buffer.alloc(2 ** 20);

async function stream({ path, size }: File, isGated: boolean): Promise<Run> {
  const handle = await open(path);
  const begun = { at: performance.now(), usage: process.cpuUsage() };
  const hash = createHash("sha256");
  const gate = isGated ? openGate({ file: "a/file", size }) : undefined;
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    gate?.feed(piece);
    at += bytesRead;
  }
  hash.digest();
  const verdict = gate?.end();
  const { user, system } = process.cpuUsage(begun.usage);
  const seconds = (performance.now() - begun.at) / 1000;
  await handle.close();
  if (verdict?.verdict === "failed") throw new Error(`The gate refused it: ${verdict.reason}`);
  return { seconds, processor: (user + system) / 1e6 };
}
