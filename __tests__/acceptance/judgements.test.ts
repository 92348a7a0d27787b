import { describe, expect, it } from "@jest/globals";
import type { Verdict } from "../../src/acceptance/check.ts";
import { complaintsOf as configComplaints } from "../../src/acceptance/checks/config.ts";
import { loadingComplaints, wrongWeights } from "../../src/acceptance/checks/models.ts";
import { judgeVram } from "../../src/acceptance/checks/vram.ts";
import type { ImageFacts } from "../../src/acceptance/node.ts";

const good: ImageFacts = {
  user: "1000",
  env: { PATH: "/usr/bin", HF_TOKEN: "" },
  entrypoint: ["nsn-director"],
  command: [],
  exposedPorts: ["9000/udp", "9000/tcp", "9100/tcp", "50051/tcp"],
  volumes: [],
  stopSignal: "SIGTERM",
  healthcheck: ["CMD", "nsn-director", "health"],
  labels: { "org.opencontainers.image.revision": "abc" },
};
const labels = ["org.opencontainers.image.revision"];
const wanted = { labels, annotations: { wanted: [], there: {} } };

describe("an image's configuration", () => {
  it.each<[string, Partial<ImageFacts>]>([
    ["as promised", {}],
    ["whose user is named", { user: "nsn:nsn" }],
    ["whose user is 1000 in the group of root", { user: "1000:0" }],
    ["without a stop signal, which is SIGTERM", { stopSignal: "" }],
    ["whose stop signal is a number", { stopSignal: "15" }],
  ])("%s has no complaint", (_, change) => {
    expect(configComplaints({ ...good, ...change }, wanted)).toEqual([]);
  });

  it.each<[string, Partial<ImageFacts>, string]>([
    ["run by root", { user: "" }, "its user is root, not nsn (1000)"],
    ["run by another user", { user: "65532" }, "its user is 65532, not nsn (1000)"],
    ["run by a user that begins alike", { user: "10001" }, "its user is 10001, not nsn (1000)"],
    ["run by root in group 1000", { user: "0:1000" }, "its user is 0:1000, not nsn (1000)"],
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
    expect(configComplaints({ ...good, ...change }, wanted)).toEqual([complaint]);
  });

  it("is held to the annotations that were promised for its manifest", () => {
    const annotations = { wanted: ["source", "version"], there: { source: "x", version: "" } };
    expect(configComplaints(good, { labels, annotations })).toEqual([
      "its manifest has no annotation version",
    ]);
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
      "are wrong when there are others beside them",
      new Map([...wanted, ["models.lock.json", "sha"], ["a.bak", "sha"]]),
      ["a.bak is not in the lock"],
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

describe("the log of the models", () => {
  const all = "All models loaded. VRAM: 1.0 GB";
  const titles = ["A", "B"];
  const logs = (...texts: readonly string[]) => texts.map((text, at) => ({ at, text }));

  it.each<[string, readonly string[], readonly string[]]>([
    ["names each and then all", ["Loading A...", "Loading B...", all], []],
    [
      "has another order",
      ["Loading B...", "Loading A...", all],
      ["the log names B, A as loaded, A, B was wanted"],
    ],
    [
      "does not say that all are loaded",
      ["Loading A...", "Loading B..."],
      ['the log has no line "All models loaded. VRAM: N GB"'],
    ],
    [
      "says that all are loaded before they are",
      ["Loading A...", all, "Loading B..."],
      ["the log says that all models are loaded before it names B"],
    ],
  ])("%s", (_, texts, complaints) =>
    expect(loadingComplaints(logs(...texts), titles)).toEqual(complaints),
  );
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
