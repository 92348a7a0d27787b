import { describe, expect, it } from "@jest/globals";
import { miniatureFiles } from "../../../examples/miniature/models.ts";
import { contentType } from "../../../src/models/gate/content.ts";

const type = (bytes: Uint8Array | string) =>
  contentType(Buffer.from(bytes), Buffer.from(bytes).length);

describe("a file's type by its content", () => {
  const byEnding: Readonly<Record<string, string>> = {
    safetensors: "safetensors",
    pth: "pytorch-zip",
    pt: "pytorch-zip",
    bin: "pytorch-zip",
    onnx: "onnx",
    json: "json",
    txt: "text",
  };
  it("is right for every file of the miniature", () => {
    for (const [path, bytes] of miniatureFiles()) {
      const wanted = byEnding[path.slice(path.lastIndexOf(".") + 1)];
      if (wanted !== undefined)
        expect([path, contentType(bytes.subarray(0, 4096), bytes.length)]).toEqual([path, wanted]);
    }
  });

  it.each([
    ["GGUF", "GGUF\u0003\0\0\0", "gguf"],
    ["a legacy pickle", Buffer.from([0x80, 2, 0x8a, 10]), "pickle"],
    ["text that is cut in a character", Buffer.from("ä").subarray(0, 1), "text"],
    ["a YAML file", "a: 1\n", "text"],
    ["an HTML page", "\n<!DOCTYPE html>\n<html>", "html"],
    ["a git-lfs pointer", "version https://git-lfs.github.com/spec/v1\noid", "git-lfs-pointer"],
    ["nothing", "", "empty"],
    ["a program", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), "unknown"],
    ["a zip that is no model", "PK\u0003\u0004\u0014\0evil.sh", "zip"],
  ])("knows %s", (_, bytes, wanted) => expect(type(bytes)).toBe(wanted));
});
