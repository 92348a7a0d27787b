import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  cudaMajorOf,
  findGpus,
  isAtLeast,
  parseApps,
  parseCards,
  vramOf,
} from "../../src/acceptance/gpus.ts";
import { exec } from "../../src/host/exec.ts";
import type { Exec } from "../../src/ports/exec.ts";

const MiB = 1024 ** 2;
const one = "0, GPU-aaaa, NVIDIA L4, 550.54.15, 23034, 11200, [N/A]\n";
const two = "1, GPU-bbbb, NVIDIA L4, 550.54.15, 23034, 10, Disabled\n";

describe("what nvidia-smi says", () => {
  it("of cards is read in bytes", () => {
    expect(parseCards(one + two)).toMatchObject([
      { index: 0, uuid: "GPU-aaaa", name: "NVIDIA L4", driver: "550.54.15", mig: false },
      { index: 1, usedBytes: 10 * MiB, totalBytes: 23034 * MiB },
    ]);
  });

  it.each<[string, string, string, object]>([
    ["is the node's own", one, "11, GPU-aaaa, 11160\n", { bytes: 11160 * MiB, foreign: [] }],
    [
      "is summed over cards",
      one + two,
      "11, GPU-aaaa, 100\n12, GPU-bbbb, 20\n",
      { bytes: 120 * MiB, foreign: [] },
    ],
    [
      "leaves out and names the processes of others",
      one,
      "11, GPU-aaaa, 100\n99, GPU-aaaa, 500\n",
      { bytes: 100 * MiB, foreign: [99] },
    ],
    ["is nothing where the node is on no card", one, "", { bytes: 0, foreign: [] }],
    [
      "is unknown where the driver does not tell",
      one,
      "11, GPU-aaaa, [N/A]\n",
      { unknown: expect.stringMatching(/does not tell/) },
    ],
    [
      "is unknown under MIG",
      "0, GPU-aaaa, NVIDIA A100, 550.54.15, 40960, 100, Enabled\n",
      "11, GPU-aaaa, 100\n",
      { unknown: expect.stringMatching(/MIG/) },
    ],
  ])("of memory %s", (_, cards, apps, expected) => {
    expect(vramOf(parseCards(cards), parseApps(apps), new Set([11, 12]))).toEqual(expected);
  });

  it.each([
    ["580.65.06", 13],
    ["550.54.15", 12],
    ["525.60.13", 12],
    ["470.82.01", 11],
    ["390.157", 0],
  ])("a driver %s runs CUDA %i", (driver, cuda) => expect(cudaMajorOf(driver)).toBe(cuda));

  it.each([
    ["550.54.15", "535", true],
    ["535", "535", true],
    ["535.54", "535.104", false],
    ["470.82.01", "535", false],
  ])("%s against %s or newer: %s", (version, least, expected) =>
    expect(isAtLeast(version, least)).toBe(expected),
  );
});

describe("a machine's cards", () => {
  let folder = "";
  const withPath: Exec = (command, args) => exec(command, args, { env: { PATH: folder } });
  const program = async (text: string) => {
    await writeFile(join(folder, "nvidia-smi"), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, "nvidia-smi"), 0o755);
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gpus-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("are none where there is no nvidia-smi", async () => {
    expect((await findGpus(withPath)).gpus).toBeUndefined();
  });

  it("are found by a program that answers", async () => {
    await program(
      `case $1 in --query-gpu=*) echo "${one.trim()}" ;; --query-compute-apps=*) echo "11, GPU-aaaa, 7" ;; esac`,
    );
    const { gpus } = await findGpus(withPath);
    expect(gpus?.cards.map(({ uuid }) => uuid)).toEqual(["GPU-aaaa"]);
    expect(await gpus?.apps()).toEqual([{ pid: 11, gpu: "GPU-aaaa", usedBytes: 7 * MiB }]);
  });

  it("are none where it fails, with what it said", async () => {
    await program('echo "NVIDIA-SMI has failed" >&2; exit 9');
    expect(await findGpus(withPath)).toEqual({ why: "nvidia-smi: NVIDIA-SMI has failed" });
  });
});
