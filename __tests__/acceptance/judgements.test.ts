import { describe, expect, it } from "@jest/globals";
import type { Verdict } from "../../src/acceptance/check.ts";
import { complaintsOf as configComplaints } from "../../src/acceptance/checks/config.ts";
import { parseTorch, torchComplaints } from "../../src/acceptance/checks/gpu.ts";
import { wrongWeights } from "../../src/acceptance/checks/models.ts";
import { judgeUsage } from "../../src/acceptance/checks/resources.ts";
import { judgeVram } from "../../src/acceptance/checks/vram.ts";
import type { ImageFacts, Usage } from "../../src/acceptance/node.ts";

const good: ImageFacts = {
  user: "1000",
  env: { PATH: "/usr/bin", HF_TOKEN: "" },
  entrypoint: ["nsn-director"],
  exposedPorts: ["9000/udp", "9000/tcp", "9100/tcp", "50051/tcp"],
  volumes: [],
  stopSignal: "SIGTERM",
  healthcheck: ["CMD", "nsn-director", "health"],
  labels: { "org.opencontainers.image.revision": "abc" },
};
const labels = ["org.opencontainers.image.revision"];

describe("an image's configuration", () => {
  it.each<[string, Partial<ImageFacts>]>([
    ["as promised", {}],
    ["whose user is named", { user: "nsn:nsn" }],
    ["without a stop signal, which is SIGTERM", { stopSignal: "" }],
    ["whose stop signal is a number", { stopSignal: "15" }],
  ])("%s has no complaint", (_, change) => {
    expect(configComplaints({ ...good, ...change }, labels)).toEqual([]);
  });

  it.each<[string, Partial<ImageFacts>, string]>([
    ["run by root", { user: "" }, "its user is root, not nsn (1000)"],
    ["run by another user", { user: "65532" }, "its user is 65532, not nsn (1000)"],
    [
      "that carries a secret",
      { env: { hub_token: "hf_x" } },
      "the variable hub_token carries a value in the image",
    ],
    ["without a health check", { healthcheck: [] }, "it has no health check"],
    ["whose health check is off", { healthcheck: ["NONE"] }, "it has no health check"],
    [
      "that hides ports",
      { exposedPorts: ["9000/tcp", "9100/tcp"] },
      "it does not expose 9000/udp, 50051/tcp",
    ],
    [
      "without an entrypoint",
      { entrypoint: [] },
      "it has no entrypoint, so that arguments are no flags",
    ],
    [
      "that is killed at once",
      { stopSignal: "SIGKILL" },
      "its stop signal is SIGKILL, not SIGTERM",
    ],
    [
      "that declares volumes",
      { volumes: ["/data"] },
      "it declares volumes (/data), which are copied at every start",
    ],
    ["without a label", { labels: {} }, `it has no label ${labels[0]}`],
  ])("%s is complained of by name", (_, change, complaint) => {
    expect(configComplaints({ ...good, ...change }, labels)).toEqual([complaint]);
  });
});

describe("the weights that are there", () => {
  const wanted = new Map(["a", "b", "c", "d", "e", "f", "g"].map((path) => [path, `sha-${path}`]));
  const except = (...gone: readonly string[]) =>
    new Map([...wanted].filter(([path]) => !gone.includes(path)));

  it.each<[string, ReadonlyMap<string, string>, readonly string[]]>([
    ["are right when all are those of the lock", wanted, []],
    ["are wrong when one is missing", except("b"), ["b is missing"]],
    [
      "are wrong when one is another",
      new Map([...wanted, ["b", "other"]]),
      ["b has sha256 other, the lock says sha-b"],
    ],
    [
      "are told to five of them",
      except("a", "b", "c", "d", "e"),
      ["a", "b", "c", "d", "e"].map((path) => `${path} is missing`),
    ],
    [
      "are counted beyond five",
      new Map(),
      [...["a", "b", "c", "d", "e"].map((path) => `${path} is missing`), "and 2 more"],
    ],
  ])("%s", (_, there, complaints) => expect(wrongWeights(wanted, there)).toEqual(complaints));
});

describe("memory on the card", () => {
  const taken = (...bytes: readonly number[]) => ({
    samples: bytes.map((value, at) => ({ at, bytes: value })),
    trouble: undefined as string | undefined,
    foreign: new Set<number>(),
  });
  const steady = taken(0, 9e9, 8e9, 8e9, 8e9, 8e9, 8e9);

  it.each<
    [string, ReturnType<typeof taken>, number | string | undefined, Verdict, string | undefined]
  >([
    ["passes below its limit", steady, 8e9, "passed", undefined],
    ["passes when the node's figure is 10 % off", steady, 8.8e9, "passed", undefined],
    [
      "fails when the node's figure is further off",
      steady,
      9e9,
      "failed",
      "the node says 9.00 GB, the card 8.00 GB: 13 % apart, 10 % are allowed",
    ],
    [
      "fails when the node says none",
      steady,
      undefined,
      "failed",
      "the node does not say nsn_vortex_vram_usage_bytes",
    ],
    [
      "fails at its limit, though for one moment only",
      taken(12e9, 8e9, 8e9, 8e9, 8e9, 8e9),
      8e9,
      "failed",
      "the peak is 12.00 GB, 12.00 GB are the limit",
    ],
    ["fails when there is none", taken(0, 0), 0, "failed", "the node has no memory on the card"],
    ["fails without a figure", taken(), 8e9, "failed", "no figure was taken of the card"],
    [
      "proves nothing while others use the card",
      { ...steady, foreign: new Set([7, 9]) },
      8e9,
      "inconclusive",
      "others use the card too (processes 7, 9), so that the figures prove nothing",
    ],
    [
      "fails when the node's figure cannot be read",
      steady,
      "/metrics answers 500",
      "failed",
      "the node's own figure cannot be read: /metrics answers 500",
    ],
    [
      "is skipped where the driver refuses every figure",
      { ...taken(), trouble: "MIG is on" },
      8e9,
      "skipped",
      "unsupported: MIG is on",
    ],
    [
      "passes where one sample failed",
      { ...steady, trouble: "nvidia-smi: exit 255" },
      8e9,
      "passed",
      undefined,
    ],
  ])("%s", (_, series, own, verdict, reason) => {
    const { verdict: seen, reason: why } = judgeVram(series, own, 12e9);
    expect([seen, why]).toEqual([verdict, reason]);
  });

  it("is steady at the mean of its last five samples", () => {
    expect(judgeVram(taken(1e9, 2e9, 3e9, 4e9, 5e9, 6e9), 4e9, 12e9).measured).toEqual({
      peakBytes: 6e9,
      steadyBytes: 4e9,
      ownBytes: 4e9,
    });
  });
});

describe("a node under load", () => {
  const usage = (cpuSeconds: number, periods = 0, of = 0): Usage => ({
    ...{ cpuSeconds, memoryPeakBytes: 4096 },
    ...(of === 0 ? {} : { throttled: { periods, of } }),
  });
  const limits = { cpus: 4, memoryBytes: 8192, slots: 2 };

  it.each<[string, Usage, Usage, readonly number[], string | undefined]>([
    ["passes with processors to spare", usage(10), usage(40), [100, 100], undefined],
    ["passes when the kernel counts no periods", usage(1), usage(2), [100, 99], undefined],
    ["passes without memory on a card", usage(1), usage(2), [0, 0], undefined],
    [
      "passes when it was held back before the load only",
      usage(1, 90, 100),
      usage(2, 90, 200),
      [1, 1],
      undefined,
    ],
    [
      "fails when it uses all its processors",
      usage(10),
      usage(50),
      [1, 1],
      "it used 100.0 % of its 4 processors",
    ],
    [
      "fails when it is held back",
      usage(1, 0, 100),
      usage(2, 10, 200),
      [1, 1],
      "it was held back in 10.0 % of the periods, 10 % are allowed",
    ],
    [
      "fails when its memory on the card moves",
      usage(1),
      usage(2),
      [100, 97],
      "its memory on the card moved by 3.0 %",
    ],
  ])("%s", (_, before, after, vram, reason) => {
    const finding = judgeUsage({ before, after, vram, seconds: 10 }, limits);
    expect([finding.verdict, finding.reason]).toEqual([
      reason === undefined ? "passed" : "failed",
      reason,
    ]);
  });
});

describe("torch", () => {
  it.each([
    ["True 1 12.6\n", { available: true, count: 1, cuda: "12.6" }],
    ["False 0 None\n", { available: false, count: 0, cuda: undefined }],
    ["", { available: false, count: 0, cuda: undefined }],
  ])("that prints %j is read", (text, torch) => expect(parseTorch(text)).toEqual(torch));

  it.each<[string, string, string, number, readonly string[]]>([
    ["sees the cards", "True 2 12.6", "550.54.15", 2, []],
    ["runs under a newer driver", "True 1 12.6", "580.65.06", 1, []],
    [
      "finds none",
      "False 0 12.6",
      "550.54.15",
      1,
      ["torch finds no GPU (torch.cuda.is_available())"],
    ],
    ["misses one", "True 1 12.6", "550.1", 2, ["torch sees 1 cards, this machine has 2"]],
    [
      "is too new for the driver",
      "True 1 13.0",
      "550.54.15",
      1,
      ["torch is built for CUDA 13.0, the driver 550.54.15 runs CUDA 12 at most"],
    ],
  ])("that %s is judged", (_, printed, driver, cards, complaints) => {
    expect(torchComplaints(parseTorch(printed), driver, cards)).toEqual(complaints);
  });
});
