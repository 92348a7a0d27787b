import { describe, expect, it } from "@jest/globals";
import { judge, judgeAnyhow } from "./judge.ts";
import type { Sample } from "./sample.ts";
import { ggufSamples } from "./samples-gguf.ts";
import { onnxSamples } from "./samples-onnx.ts";
import { pickleSamples } from "./samples-pickle.ts";
import { pytorchSamples } from "./samples-pytorch.ts";
import { safetensorsSamples } from "./samples-safetensors.ts";
import { textSamples } from "./samples-text.ts";

const groups: Readonly<Record<string, readonly Sample[]>> = {
  safetensors: safetensorsSamples,
  pickle: pickleSamples,
  "torch.save": pytorchSamples,
  ONNX: onnxSamples,
  GGUF: ggufSamples,
  "other content": textSamples,
};

describe.each(Object.entries(groups))("%s", (_, samples) => {
  it.each(samples)("%s", (_what, bytes, wanted) => {
    const { verdict, rule = verdict, reason = "" } = judgeAnyhow(bytes);
    expect(rule).toBe(wanted);
    if (verdict === "failed") expect(reason).toMatch(/^(?:byte [\d,]+, .|it is )/);
    expect(judge(bytes, { allow: "a test" })).toMatchObject({
      verdict: "passed",
      ...(verdict === "failed" ? { rule: "allowed: a test", reason } : {}),
    });
  });
});

it("has more than 60 samples that are damaged or hostile, each with a name of its own", () => {
  const all = Object.values(groups).flat();
  expect(all.filter(([, , rule]) => rule !== "passed").length).toBeGreaterThan(60);
  for (const samples of Object.values(groups))
    expect(new Set(samples.map(([what]) => what)).size).toBe(samples.length);
});
