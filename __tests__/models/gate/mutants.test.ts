import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, jest } from "@jest/globals";
import { judge, judgeAnyhow } from "./judge.ts";
import { mutants } from "./mutants.ts";
import { latin, type Sample } from "./sample.ts";
import { ggufSamples } from "./samples-gguf.ts";
import { onnxSamples } from "./samples-onnx.ts";
import { pickleSamples } from "./samples-pickle.ts";
import { pytorchSamples } from "./samples-pytorch.ts";
import { safetensorsSamples } from "./samples-safetensors.ts";
import { textSamples } from "./samples-text.ts";

jest.setTimeout(180_000);

const bytesOf = (samples: readonly Sample[]) =>
  samples.map(([, bytes]) => bytes).filter(({ length }) => length < 3000);

describe("files that were changed at random", () => {
  it.each([
    ["safetensors", safetensorsSamples],
    ["torch.save", pytorchSamples],
    ["ONNX", onnxSamples],
    ["GGUF", ggufSamples],
    ["other content", textSamples],
    ["pickle", pickleSamples],
  ])("%s: each has a verdict, and the same one however it comes", (_, samples) => {
    const pieces = [
      Buffer.alloc(4),
      Buffer.alloc(4, 0xff),
      Buffer.from('"}'),
      Buffer.from("PK\x03\x04"),
    ];
    const verdicts = [...mutants(bytesOf(samples), pieces, 700)].map(judgeAnyhow);
    expect(verdicts.filter(({ verdict }) => verdict === "failed").length).toBeGreaterThan(350);
  });

  it("pickles: none that passes names or calls in Python what a model may not", () => {
    const pieces = [
      ...[
        "cos\nsystem\n",
        "(X\x02\0\0\0idtR",
        "\x8c\x02os\x8c\x06system\x93",
        "ccollections\nCounter\n",
      ],
      ...[
        "R",
        ".",
        "(",
        "t",
        "0",
        "1",
        "2",
        "b",
        "s",
        "u",
        "a",
        "e",
        "o",
        "l",
        "d",
        "N",
        ")",
        "]",
        "}",
      ],
      ...["q\0", "h\0", "\x94", "h\x01", "p0\n", "g0\n", "r\0\0\0\0", "j\0\0\0\0", "\x85", "\x86"],
      ...["ios\nsystem\n", "\x81", "\x92", "Vos\n", "S'os'\n", "Vsystem\n", "I1\n", "\x80\x02"],
      ...[
        "\x80\x04",
        "P1\n",
        "Q",
        "\x8a\x01\x01",
        "C\x03abc",
        "U\x02os",
        "U\x06system",
        "\x82\x01",
      ],
      ...["\x97", "\x98", "\x90", "\x91", "\x8f", "\x95\x05\0\0\0\0\0\0\0"],
    ].map((piece) => latin(piece));
    const passed: string[] = [];
    for (const bytes of mutants(bytesOf(pickleSamples), pieces, 40_000)) {
      const { verdict, type } = judge(bytes);
      if (verdict === "passed" && bytes.length > 0)
        passed.push(`${type} ${bytes.toString("base64")}`);
    }
    expect(passed.length).toBeGreaterThan(200);
    const allowed = [
      ...["OrderedDict", "Counter"].map((name) => ["collections", name]),
      ...["numpy.core.multiarray _reconstruct", "numpy ndarray", "torch Tensor"].map((pair) =>
        pair.split(" "),
      ),
      ["torch.nn.parameter", "Parameter"],
    ];
    const harm = execFileSync(
      "python3",
      [join(import.meta.dirname, "unpickle.py"), JSON.stringify(allowed)],
      { input: `${passed.join("\n")}\n`, encoding: "utf8", timeout: 120_000 },
    );
    expect(harm).toBe("");
  });
});
