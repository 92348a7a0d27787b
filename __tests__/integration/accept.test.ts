import { createHash } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { processChecks, programs } from "../acceptance/broken/programs.ts";
import { type Accepted, type Bench, bench } from "./accept-process.ts";
import { matching, passing, sideBySide } from "./accepted.ts";
import { output } from "./workspace.ts";

jest.setTimeout(600_000);

const broken = join(process.cwd(), "__tests__", "acceptance", "broken");
const node = join(process.cwd(), "node_modules", ".bin", "node");

let made: Bench;
beforeAll(async () => {
  made = await bench();
}, 900_000);
afterAll(() => made.remove());

describe("the reference node, as a process", () => {
  it("passes, but for what a process or a machine without a GPU has not", async () => {
    const [xml, svg] = [join(made.folder, "accept.xml"), join(made.folder, "accept.svg")];
    const views = ["--gpu", "off", "--junit", xml, "--chart", svg];
    const { code, result, of, failures, left } = await made.accept(made.director, {
      inputs: views,
    });
    expect(failures).toEqual({});
    expect(of("skipped")).toEqual(["config", "gpu", "vram", "user"]);
    expect({ code, verdict: result.verdict }).toEqual({ code: 0, verdict: "passed" });
    expect(result.timeline?.map(({ what }) => what)).toEqual([
      ...["created", "first log", "p2p", "loading Flux-Schnell", "loading LivePortrait"],
      ...["loading Kokoro-82M", "loading CLIP-ViT-B-32", "loading CLIP-ViT-L-14"],
      ...["models loaded", "healthy"],
    ]);
    expect(await readFile(xml, "utf8")).toMatch(/<testsuites .*tests="13" failures="0"/);
    const root =
      "import sys, xml.etree.ElementTree as t; print(t.parse(sys.argv[1]).getroot().tag)";
    expect(await output("python3", "-c", root, xml)).toBe("testsuites");
    expect(await readFile(svg, "utf8")).toMatch(/^<svg[\s\S]*models loaded/);
    expect(left).toEqual({ processes: [], files: [] });
  });
});

describe("a program that is not fit to run", () => {
  let accepted: (name: string) => Promise<Accepted>;
  beforeAll(async () => {
    await flippedModels();
    accepted = sideBySide(programs, 4, ({ name, inputs = [] }) =>
      made.accept(commandOf(name), {
        inputs: ["--gpu", "off", ...inputs],
        models: flipped.includes(name) ? join(made.folder, name) : made.models,
      }),
    );
  });

  it.each(programs.map((row) => [row.name, row.what, row] as const))(
    "%s: %s",
    async (name, _, row) => {
      const { code, result, of, failures, left } = await accepted(name);
      expect(failures).toEqual(matching(row.fails));
      expect(of("passed")).toEqual(passing(row, processChecks));
      expect({ code, verdict: result.verdict }).toEqual({ code: 1, verdict: "failed" });
      expect(result.checks).toHaveLength(13);
      expect(left).toEqual({ processes: [], files: [] });
    },
  );
});

function commandOf(name: string): string {
  if (name === "no-such-program") return name;
  if (flipped.includes(name)) return made.director;
  return name.endsWith(".ts")
    ? `${node} ${join(broken, name)} ${made.director}`
    : `python3 -B ${join(broken, "broken.py")} ${name} ${made.director}`;
}

/** Rows about weights: the miniature's with the last byte of one file turned over, and the same with a lock that says so. */
const flipped = ["one-byte-flipped", "other-weights"];

async function flippedModels(): Promise<void> {
  for (const name of flipped) {
    const folder = join(made.folder, name);
    await cp(made.models, folder, { recursive: true });
    const path = join(folder, "clip-vit-l-14", "model.safetensors");
    const bytes = await readFile(path);
    const before = sha256(bytes);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 0xff, bytes.length - 1);
    await writeFile(path, bytes);
    if (name === "one-byte-flipped") continue;
    const lock = join(folder, "models.lock.json");
    const text = await readFile(lock, "utf8");
    await writeFile(lock, text.replace(before, sha256(bytes)));
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
