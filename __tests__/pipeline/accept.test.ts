import { describe, expect, it } from "@jest/globals";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import type { CompleteLock } from "../../src/models/lock.ts";
import { refuseAcceptance } from "../../src/pipeline/accept.ts";
import { missingBytes } from "../../src/pipeline/docker-room.ts";
import { candidateName, modelsName, outdated } from "../../src/pipeline/loaded-images.ts";
import { modelsImageOf, mountedModels, mountOf } from "../../src/pipeline/mounted-models.ts";
import { notRun } from "../../src/pipeline/readiness.ts";
import type { AcceptResult } from "../../src/results/stages.ts";
import { open } from "../stores/ports.ts";

const digest = digestOf("candidate");
const result = (more: Partial<AcceptResult>): AcceptResult => ({
  ...{ digest, platform: "linux/amd64", target: "container", verdict: "passed", checks: [] },
  ...more,
});

describe("what becomes of an acceptance", () => {
  const judge = (
    more: Partial<AcceptResult>,
    mode: "auto" | "required" | "off" = "auto",
    gpu: "auto" | "required" | "off" = "auto",
  ) => {
    const warnings: string[] = [];
    refuseAcceptance(result(more), { mode, gpu }, { warning: (text) => warnings.push(text) });
    return warnings;
  };

  it("that failed is refused, with every check that did", () => {
    const checks = [
      { name: "config", verdict: "failed", reason: "its user is root" },
      { name: "startup", verdict: "passed" },
      { name: "shutdown", verdict: "failed", reason: "exit code 1" },
    ] as const;
    expect(() => judge({ verdict: "failed", reason: "failed: config, shutdown", checks })).toThrow(
      `The acceptance of ${digest} failed. config: its user is root. shutdown: exit code 1.`,
    );
  });

  it.each([
    ["skipped", "required", "auto", "acceptance: required, but .* was skipped: no Docker"],
    ["inconclusive", "required", "auto", "acceptance: required, but .* was inconclusive"],
    ["skipped", "auto", "required", "gpu: required, but .* was skipped"],
  ] as const)(
    "that was %s is refused with acceptance %s and gpu %s",
    (verdict, mode, gpu, says) => {
      expect(() => judge({ verdict, reason: "no Docker" }, mode, gpu)).toThrow(new RegExp(says));
    },
  );

  it("that was skipped is a warning, unless it was switched off", () => {
    const skipped = { verdict: "skipped", reason: "no Docker" } as const;
    expect(judge(skipped)).toEqual(["The candidate was not accepted: skipped, no Docker."]);
    expect(judge(skipped, "off")).toEqual([]);
  });

  it("that passed without some checks says which, and promote keeps them", () => {
    const checks = [
      { name: "config", verdict: "passed" },
      { name: "gpu", verdict: "skipped", reason: "no GPU" },
      { name: "vram", verdict: "skipped", reason: "after gpu" },
    ] as const;
    expect(judge({ checks })).toEqual(["Not checked: gpu (no GPU), vram (after gpu)."]);
    expect(notRun([result({ checks })])).toEqual([
      { check: "gpu", reason: "no GPU" },
      { check: "vram", reason: "after gpu" },
    ]);
  });
});

describe("bytes that Docker lacks of an image", () => {
  const [a, b, c] = ["a", "b", "c"].map(digestOf) as [Digest, Digest, Digest];
  const image = [
    { diffId: a, size: 1 },
    { diffId: b, size: 20 },
    { diffId: c, size: 300 },
  ];
  it.each<[string, Digest[][], number]>([
    ["all, where it has no image", [], 321],
    ["those above the layers of another image", [[b], [a, b]], 300],
    ["none, where it has the image itself", [[a, b, c]], 0],
    ["all, where equal layers stand on others", [[b, a, c]], 321],
  ])("are %s", (_, there, bytes) => expect(missingBytes(image, there)).toBe(bytes));
});

describe("images that acceptances left in Docker", () => {
  const at = (day: number, ...names: string[]) =>
    names.map((name) => ({ name, tagged: `2026-11-0${day}T00:00:00.123456789Z` }));
  const [one, two, three] = ["1", "2", "3"].map((text) => candidateName(digestOf(text))) as [
    string,
    string,
    string,
  ];
  const models = (text: string) => ["a-b", "c"].map((model) => modelsName(digestOf(text), model));

  it("are outdated but for the newest of each kind, and what is wanted", () => {
    const there = [...at(3, three, ...models("3")), ...at(1, one, ...models("1")), ...at(2, two)];
    expect(outdated(there, [])).toEqual([one, ...models("1"), two]);
    expect(outdated(there, [three])).toEqual([one, ...models("1")]);
    expect(outdated(there, [one, models("1")[1] ?? ""])).toEqual([two]);
  });

  it("are told by their exact names", () => {
    const others = [`elsewhere/${one}`, "director-image-candidate:latest", "director-image:1"];
    const alike = [one.replace(":", "-old:"), "director-image-candidate:<none>", "<none>:<none>"];
    expect(outdated(at(1, ...others, ...alike), [])).toEqual([]);
  });
});

describe("models that are not in an image", () => {
  const layers = ["one", "two"].map((name) => ({
    ...{ digest: digestOf(name), size: 1, files: [`${name}/a.bin`, `${name}/b.bin`] },
  }));
  const lock: CompleteLock = { version: 1, root: "/opt/models", models: [], layers };

  it("are those whose layers it lacks", () => {
    expect(mountedModels(lock, layers)).toEqual([]);
    expect(mountedModels(lock, layers.slice(0, 1))).toEqual(["two"]);
    expect(mountedModels(lock, [])).toEqual(["one", "two"]);
  });

  it("cannot be told of an open lock, or without one", () => {
    const { layers: _, ...rest } = lock;
    expect(mountedModels(rest, [])).toEqual([]);
    expect(mountedModels(undefined, [])).toEqual([]);
  });

  it("are mounted one by one below the root", () => {
    expect(mountOf("one", "/opt/models", "weights:1")).toBe(
      "type=image,source=weights:1,target=/opt/models/one,image-subpath=opt/models/one",
    );
  });

  it("come from the image that the label names, or from the same layout", () => {
    const image = open("oci:out");
    const ports = { open: () => open("oci:elsewhere") };
    const of = (label: string) => modelsImageOf(label, image, ports);
    expect(of(`ghcr.io/nsn/director@${digest}`)?.store.name).toBe("oci:elsewhere");
    expect(of(`layout@${digest}`)).toEqual({ store: image, digest });
    expect(of("")).toBeUndefined();
    expect(of("ghcr.io/nsn/director:latest")).toBeUndefined();
  });
});
