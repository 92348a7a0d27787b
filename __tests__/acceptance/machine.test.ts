import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { findGpus, isAtLeast, parseApps, parseCards } from "../../src/acceptance/gpus.ts";
import {
  descendants,
  parentOf,
  parseStatuses,
  parseUsage,
  usageOf,
} from "../../src/acceptance/proc.ts";
import { exec } from "../../src/host/exec.ts";
import type { Exec } from "../../src/ports/exec.ts";

describe("nvidia-smi", () => {
  let folder = "";
  const withPath: Exec = (command, args) =>
    exec(command, args, { env: { PATH: `${folder}:/usr/bin:/bin` } });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nvidia-smi-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ["that lists nothing finds no card", "exit 0", "nvidia-smi lists no card"],
    ["that fails on standard output is quoted", "echo broken; exit 2", "nvidia-smi: broken"],
    ["that fails without a word tells its exit", "exit 6", "nvidia-smi: exit 6"],
  ])("%s", async (_, program, why) => {
    const path = join(folder, "nvidia-smi");
    await writeFile(path, `#!/bin/sh\n${program}\n`);
    await chmod(path, 0o755);
    expect(await findGpus(withPath)).toEqual({ why });
  });

  it.each(["[N/A]", "[Not Supported]", "[Insufficient Permissions]"])(
    "that says %s of a process does not tell its memory",
    (used) => {
      expect(parseApps(`7, GPU-a, ${used}\n\n`)).toEqual([
        { pid: 7, gpu: "GPU-a", usedBytes: undefined },
      ]);
    },
  );

  it.each([
    ["Enabled", true],
    ["Disabled", false],
    ["[N/A]", false],
  ])("that says %s of MIG: %s", (mode, mig) => {
    expect(parseCards(`0, GPU-a, NVIDIA H100, 550.1, 1, 1, ${mode}\n`)[0]?.mig).toBe(mig);
  });

  it.each([
    ["535.104", "535.54", true],
    ["535", "535.0.0", true],
    ["535", "535.0.1", false],
    ["", "535", false],
  ])("of driver %j against %s or newer: %s", (version, least, expected) =>
    expect(isAtLeast(version, least)).toBe(expected),
  );
});

describe("what the kernel says", () => {
  const cgroup = "/sys/fs/cgroup";

  it("of a process without those fields is no user and no promise", () => {
    expect(parseStatuses("Name:\ta b\nPid:\t4\nUid:\t0\t1000\t0\t0\n")).toEqual([
      { name: "a b", pid: 4, users: [0, 1000, 0, 0], noNewPrivileges: false, zombie: false },
    ]);
    expect(parseStatuses("")).toEqual([]);
  });

  it.each<[string, string, object | undefined]>([
    [
      "without a limit of processors has no throttling",
      `${cgroup}/cpu.stat:usage_usec 2000000\n${cgroup}/memory.peak:4096\n`,
      { cpuSeconds: 2, memoryPeakBytes: 4096 },
    ],
    [
      "without its peak, as kernels before 5.19 tell it, has the rest",
      `${cgroup}/cpu.stat:usage_usec 2000000\n${cgroup}/cpu.stat:nr_periods 9\n${cgroup}/cpu.stat:nr_throttled 1\n`,
      { cpuSeconds: 2, throttled: { periods: 1, of: 9 } },
    ],
    ["without its time is unknown", `${cgroup}/memory.peak:4096\n`, undefined],
    [
      "is not taken from a counter whose name is longer",
      `${cgroup}/cpu.stat:core_sched.usage_usec 1\n${cgroup}/memory.peak:4096\n`,
      undefined,
    ],
  ])("of a control group %s", (_, text, usage) => expect(parseUsage(text)).toEqual(usage));

  it("of parents that are told in any order gives a whole family", () => {
    const parents = new Map([
      [4, 3],
      [3, 2],
      [2, 1],
      [9, 8],
    ]);
    expect([...descendants(2, parents)].toSorted()).toEqual([2, 3, 4]);
    expect([...descendants(7, parents)]).toEqual([7]);
  });

  it("of a name like a stat's own fields is not mistaken for them", () => {
    expect(parentOf("12 (x) S 99 (y)) R 5 0 0")).toBe(5);
    expect(parentOf("")).toBeNaN();
  });

  it("of several processes is summed, with the children that have ended", () => {
    const stat = (pid: number, times: string) =>
      `${pid} (a b) S ${Array(10).fill(1).join(" ")} ${times} 20`;
    const statuses = "Name:\ta\nVmHWM:\t     4 kB\nName:\tb\nVmHWM:\t    12 kB\n";
    expect(usageOf(`${stat(1, "10 20 30 40")}\n${stat(2, "0 0 0 50")}\n`, statuses)).toEqual({
      ...{ cpuSeconds: 1.5, memoryPeakBytes: 16 * 1024 },
    });
    expect(usageOf("", "")).toEqual({ cpuSeconds: 0, memoryPeakBytes: 0 });
  });
});
