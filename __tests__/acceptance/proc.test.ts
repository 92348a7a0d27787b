import { expect, it } from "@jest/globals";
import {
  descendants,
  isUserOnly,
  parentOf,
  parseStatuses,
  parseUsage,
  usageOf,
} from "../../src/acceptance/proc.ts";

const status = (name: string, pid: number, uid: number, noNewPrivileges: number) =>
  `Name:\t${name}\nUmask:\t0022\nPid:\t${pid}\nUid:\t0\t${uid}\t7\t8\nVmHWM:\t  100 kB\nNoNewPrivs:\t${noNewPrivileges}\n`;

it("processes are read by their four users and what they may gain", () => {
  expect(parseStatuses(status("nsn-director", 1, 1000, 1) + status("python3", 9, 0, 0))).toEqual([
    { name: "nsn-director", pid: 1, users: [0, 1000, 7, 8], noNewPrivileges: true, zombie: false },
    { name: "python3", pid: 9, users: [0, 0, 7, 8], noNewPrivileges: false, zombie: false },
  ]);
});

it.each([
  ["in every sense", [1000, 1000, 1000, 1000], true],
  ["but for whom it was started by", [0, 1000, 1000, 1000], false],
  ["but for whom it may become again", [1000, 1000, 0, 1000], false],
  ["but for whose files it opens", [1000, 1000, 1000, 0], false],
  ["as far as nobody can tell", [], false],
])("a process is user 1000 %s: %j is %s", (_, users, expected) =>
  expect(isUserOnly({ users }, 1000)).toBe(expected),
);

it.each([
  [
    "version 2",
    "/sys/fs/cgroup/cpu.stat:usage_usec 1500000\n/sys/fs/cgroup/cpu.stat:nr_periods 10\n/sys/fs/cgroup/cpu.stat:nr_throttled 2\n/sys/fs/cgroup/memory.peak:4096\n",
  ],
  [
    "version 1",
    "/sys/fs/cgroup/cpu/cpu.stat:nr_periods 10\n/sys/fs/cgroup/cpu/cpu.stat:nr_throttled 2\n/sys/fs/cgroup/cpuacct/cpuacct.usage:1500000000\n/sys/fs/cgroup/memory/memory.max_usage_in_bytes:4096\n",
  ],
])("control groups of %s tell processor time, memory and throttling", (_, text) => {
  expect(parseUsage(text)).toEqual({
    cpuSeconds: 1.5,
    memoryPeakBytes: 4096,
    throttled: { periods: 2, of: 10 },
  });
});

it("a kernel that tells nothing gives no usage", () => {
  expect(parseUsage("")).toBeUndefined();
});

it("a process is known with all that it started", () => {
  const parents = new Map([
    [2, 1],
    [3, 2],
    [4, 3],
    [5, 1],
  ]);
  expect([...descendants(2, parents)].sort()).toEqual([2, 3, 4]);
});

it("a name with brackets and spaces does not hide the parent, nor the times", () => {
  const stat = `7 (a) b) S 3 ${Array(9).fill("0").join(" ")} 100 50 25 25 20\n`;
  expect(parentOf(stat)).toBe(3);
  expect(usageOf(stat, status("a", 7, 0, 0))).toEqual({ cpuSeconds: 2, memoryPeakBytes: 102_400 });
});
