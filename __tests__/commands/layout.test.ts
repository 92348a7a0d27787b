import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { files } from "../../src/host/files.ts";
import type { Digest } from "../../src/images/digest.ts";
import { type Document, parseIndex, parseManifest } from "../../src/images/manifest.ts";
import { writeResult } from "../../src/results/folder.ts";
import { open } from "../stores/ports.ts";
import { type Desk, openDesk, type Said } from "./program.ts";
import { putRuntime } from "./runtime.ts";
import { writeSpec } from "./weights.ts";

jest.setTimeout(120_000);

let desk: Desk;
let runtime: Document;
let layout: string;
const json = ({ code, stdout, stderr }: Said) => {
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};

async function labelsOf(digest: Digest): Promise<unknown> {
  const store = open(layout);
  const manifest = await store.readManifest(digest);
  if (manifest === undefined) throw new Error(`${layout} has no ${digest}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of store.readBlob(parseManifest(manifest).config.digest))
    pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString()).config.Labels;
}

beforeAll(async () => {
  desk = await openDesk();
  layout = `oci:${desk.folder}/layout`;
  await writeSpec(desk);
  json(await desk.cli(["models", "lock", "--json"]));
  runtime = await putRuntime(open(`oci:${desk.folder}/software`), "1");
});
afterAll(() => desk.remove());

describe("the commands, one after another, on layouts alone", () => {
  it("models plan shows layers and their sum without any network", async () => {
    const said = await desk.cli(["models", "plan"], { https_proxy: "http://127.0.0.1:9" });
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(/sha256:[0-9a-f]{64} {2}one\/config.json|one\/model.safetensors/);
    expect(said.stdout).toMatch(/in 2 layers\n$/);
  });

  it("models push writes the models image, and sends nothing the second time", async () => {
    const args = ["models", "push", "--to", `${layout}:weights`, "--json"];
    const first = json(await desk.cli(args));
    expect(first.layers.map(({ state }: { state: string }) => state)).toEqual([
      "uploaded",
      "uploaded",
    ]);
    const second = json(await desk.cli(args));
    expect(second).toMatchObject({ bytesUploaded: 0, bytesRead: 0, digest: first.digest });
    const tags = await open(layout).tags();
    expect([...tags].sort()).toEqual([expect.stringMatching(/^models-[0-9a-f]{12}$/), "weights"]);
  });

  it("models verify passes the image and says every file", async () => {
    const said = await desk.cli(["models", "verify", "--image", layout]);
    expect(said).toMatchObject({
      code: 0,
      stdout: "passed  one/config.json\npassed  one/model.safetensors\npassed  two/note.txt\n",
    });
  });

  it("models pull fills a folder from the image, and the second time reads nothing", async () => {
    const args = ["models", "pull", "--out", "filled", "--image", layout, "--json"];
    const first = json(await desk.cli(args));
    expect(first.bytesRead).toBe(first.bytes);
    expect(json(await desk.cli(args))).toMatchObject({ bytesRead: 0 });
    expect(await readdir(join(desk.folder, "filled"))).toEqual(["models.lock.json", "one", "two"]);
    expect((await desk.cli(["models", "verify", "--dir", "filled"])).code).toBe(0);
  });

  it("models verify finds one flipped byte in the folder, and names the file", async () => {
    const path = join(desk.folder, "filled/one/model.safetensors");
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(200_000) ^ 1, 200_000);
    await writeFile(path, bytes);
    const said = await desk.cli(["models", "verify", "--dir", "filled", "--json"]);
    expect(said.code).toBe(1);
    const { verdict, files } = JSON.parse(said.stdout);
    expect(verdict).toBe("failed");
    expect(files.filter((file: { verdict: string }) => file.verdict === "failed")).toEqual([
      {
        file: "one/model.safetensors",
        verdict: "failed",
        reason: expect.stringMatching(/^has sha256 [0-9a-f]{64}, the lock says [0-9a-f]{64}$/),
      },
    ]);
    const again = json(await desk.cli(["models", "pull", "--out", "filled", "--json"]));
    expect(again.bytesRead).toBe(bytes.length);
  });

  it("assemble puts weights below the runtime, and promote moves the tags of the layout", async () => {
    const base = { name: "docker.io/library/ubuntu:22.04", digest: runtime.digest };
    await writeResult(files, join(desk.folder, "results"), "build", {
      repository: `oci:${desk.folder}/software`,
      indexes: [],
      cached: false,
      platforms: parseIndex(runtime).manifests.map(({ digest, size, platform }) => ({
        ...{ digest, size, platform: `linux/${platform?.architecture}`, base },
      })),
    });
    const made = json(
      await desk.cli([
        ...["assemble", "--runtime", `oci:${desk.folder}/software@${runtime.digest}`],
        ...["--to", layout, "--results", "results", "--json"],
      ]),
    );
    expect(made.platforms.map(({ platform }: { platform: string }) => platform)).toEqual([
      "linux/amd64",
      "linux/arm64",
    ]);
    const candidate = `${layout}@${made.digest}`;
    for (const { digest } of made.platforms)
      expect(await labelsOf(digest)).toMatchObject({
        "network.nsn.director.base.name": base.name,
        "network.nsn.director.base.digest": base.digest,
      });
    const moved = json(
      await desk.cli([
        ...["promote", candidate, "--tag", "1.0", "--tag", "latest", "--results", "results"],
        ...["--allow-untested", "a test", "--json"],
      ]),
    );
    expect(moved.tags).toMatchObject([
      { tag: "1.0", moved: true },
      { tag: "latest", moved: true },
    ]);
    expect(moved.untested).toMatchObject({ reason: "a test" });
    for (const tag of ["1.0", "latest"])
      expect(await open(layout).manifestDigest(tag)).toBe(made.digest);
  });

  it("promote without a scan, an acceptance or a reason moves nothing", async () => {
    const digest = await open(layout).manifestDigest("latest");
    const args = ["promote", `${layout}@${digest}`, "--tag", "2.0", "--results", "results"];
    const said = await desk.cli(args);
    expect(said).toMatchObject({ code: 1, stdout: "" });
    expect(said.stderr).toMatch(/missing are the scan of linux\/amd64, .*the acceptance\./);
    expect(said.stderr).toContain("allow-untested");
    expect(await open(layout).tags()).not.toContain("2.0");
  });

  it("models verify finds a flipped byte in the final image", async () => {
    const { layers } = JSON.parse(await readFile(join(desk.folder, "models.lock.json"), "utf8"));
    const [{ digest }] = layers as [{ digest: string }];
    const path = join(desk.folder, "layout/blobs/sha256", digest.slice(7));
    const bytes = await readFile(path);
    const flip = async () => {
      bytes.writeUInt8(bytes.readUInt8(1100) ^ 1, 1100);
      await writeFile(path, bytes);
    };
    await flip();
    const said = await desk.cli(["models", "verify", "--image", `${layout}:latest`]);
    await flip();
    expect(said.code).toBe(1);
    expect(said.stdout).toMatch(/^failed {2}one\//m);
  });

  it("an open lock serves push, pull and assemble, and moves its weights once", async () => {
    json(await desk.cli(["models", "lock", "--open", "--lock", "open.json", "--json"]));
    expect(await readFile(join(desk.folder, "open.json"), "utf8")).not.toContain('"layers"');
    const args = ["models", "push", "--lock", "open.json", "--to", "oci:second", "--json"];
    expect(json(await desk.cli(args)).bytesRead).toBeGreaterThan(0);
    expect(json(await desk.cli(args)).bytesRead).toBe(0);
    const assembled = await desk.cli([
      ...["assemble", "--runtime", `oci:software@${runtime.digest}`, "--lock", "open.json"],
      ...["--to", "oci:second"],
    ]);
    expect(assembled).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^oci:second@sha256:[0-9a-f]{64}\n$/),
    });
  });
});

describe("what goes where", () => {
  it("is one document on standard output with --json, and messages on standard error", async () => {
    const said = await desk.cli(["models", "push", "--to", "oci:third", "--json"]);
    expect(Object.keys(JSON.parse(said.stdout))).toEqual(
      expect.arrayContaining(["digest", "layers", "bytesUploaded", "bytesRead", "requests"]),
    );
    const pulled = await desk.cli(["models", "pull", "--out", "third-out", "--json"]);
    expect(JSON.parse(pulled.stdout).files).toHaveLength(3);
    expect(pulled.stderr).toContain("one/config.json (checksum verified)");
  });

  it("is results and nothing else with --quiet", async () => {
    const said = await desk.cli(["models", "pull", "--out", "quiet", "--quiet"]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout).toMatch(/^pulled .* one\/config.json$/m);
  });

  it("is harmless when the reader has gone", async () => {
    const { child, ended } = desk.start(["models", "pull", "--out", "piped"]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    expect((await ended).code).toBe(0);
    expect((await desk.cli(["models", "verify", "--dir", "piped"])).code).toBe(0);
  });

  it("is nothing on standard output where the usage was wrong", async () => {
    const wrong = [
      [],
      ["models", "push"],
      ["models", "verify"],
      ["scan"],
      ["doctor"],
      ["run", "--delivery", "bake", "--models-delivery", "mount"],
      ["models", "verify", "--dir", "a", "--image", "b"],
      ["models", "push", "--to", "127.0.0.1:5000/Upper"],
      ["models", "push", "--to", "oci:x", "--jobs", "0"],
      ["models", "push", "--to", "oci:x", "--platforms", "amd64"],
      ["assemble", "--runtime", "oci:x", "--to", "oci:y", "--delivery", "air"],
      ["assemble", "--runtime", "oci:x", "--to", "oci:y:latest"],
    ];
    const answers = await Promise.all(wrong.map((args) => desk.cli(args)));
    for (const [at, said] of answers.entries()) {
      const args = wrong[at];
      expect({ args, ...said }).toMatchObject({ args, code: 2, stdout: "" });
      expect(said.stderr).not.toMatch(/ at .*\.ts:|fault of our own/);
      expect(said.stderr.split("\n").length).toBeLessThanOrEqual(5);
    }
  });
});
