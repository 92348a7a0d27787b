import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { parseSpec } from "../../src/models/spec.ts";
import { hubModel, resolving, spec } from "./resolving.ts";
import { publish, weights } from "./world.ts";

const given = resolving();

describe("a spec", () => {
  const parse =
    (model: object, more: object = {}) =>
    () =>
      parseSpec(JSON.stringify({ version: 1, models: [model], ...more }), "models.json");

  it("whose source was left open is refused with the sentence that says what to choose", () => {
    const text = readFileSync(join(import.meta.dirname, "../../models.json"), "utf8");
    const failure = (() => {
      try {
        return parseSpec(text, "models.json");
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(UsageError);
    expect((failure as UsageError).message).toBe(
      "models.json: models.0.source: flux-schnell-nf4 has none yet.",
    );
    expect((failure as UsageError).todo).toMatch(
      /^Choose a Hugging Face repository of FLUX\.1-schnell in NF4/,
    );
  });

  it.each<[string, object, RegExp]>([
    ["an unknown key", hubModel("one", { revision: "x" }), /models\.0: Unrecognized key/],
    ["an escaping pattern", hubModel("one", { files: ["../x"] }), /models\.0\.files\.0: /],
    [
      "a revision that escapes",
      hubModel("one", { source: { huggingface: "a/b", revision: "../x" } }),
      /models\.0\.source/,
    ],
    [
      "a repository that is none",
      hubModel("one", { source: { huggingface: "a/b/c", revision: "x" } }),
      /models\.0\.source.*OWNER\/NAME/,
    ],
    [
      "a plain-HTTP source",
      { name: "a", source: { url: "http://cdn.example/" }, files: ["x"] },
      /loopback only/,
    ],
    [
      "a folder without names of files",
      { name: "a", source: { url: "https://cdn.example/" } },
      /name its files/,
    ],
  ])("with %s is refused", (_, model, message) => {
    expect(parse(model)).toThrow(message);
    expect(parse(model)).toThrow(UsageError);
  });

  it("may allow what the gate would refuse, with a reason", async () => {
    await publish(given.world, "gap", { "empty.txt": Buffer.alloc(0), "w.onnx": weights(100) });
    const model = hubModel("gap", { files: ["*.onnx", { path: "*.txt", allow: "a marker" }] });
    await expect(given.resolve({}, spec(hubModel("gap", { files: ["*"] })))).rejects.toThrow(
      /the weights gate refuses it \(rule no-empty\): it is empty/,
    );
    const { lock } = await given.resolve({}, spec(model));
    expect(lock.models[0]?.files).toMatchObject([
      { path: "empty.txt", allow: "a marker" },
      { path: "w.onnx" },
    ]);
  });
});
