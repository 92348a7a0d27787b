import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { exec } from "../../src/host/exec.ts";
import { blobOf } from "../../src/images/blob.ts";
import { digestOf } from "../../src/images/digest.ts";
import { type Document, document } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";
import { parseRange, type ServedStore, serveStore } from "../../src/stores/serve.ts";
import { blob, open, putImage, testPorts } from "./ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

let folder: string;
let store: Store;
let served: ServedStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "layout-"));
  store = open(`oci:${folder}`);
  served = await serveStore(store, testPorts());
});
afterEach(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (path: string) => `http://${served.host}/v2/any/name/${path}`;

describe("A layout that is served", () => {
  it("is read by our own client", async () => {
    const layer = blob(3_000_000);
    const manifest = await putImage(store, [layer.source], "v1");
    const client = open(`${served.host}/any/name`);
    expect(await client.manifestDigest("v1")).toBe(manifest.digest);
    expect((await client.readManifest("v1"))?.mediaType).toBe(manifest.mediaType);
    expect(await client.blobSize(layer.digest)).toBe(3_000_000);
    let bytes = 0;
    for await (const piece of client.readBlob(layer.digest, 1_000_000)) bytes += piece.length;
    expect(bytes).toBe(2_000_000);
  });

  it("sends the range that is asked for", async () => {
    const { bytes, source, digest } = blob(3_000_000);
    await store.putBlob(source);
    const answer = await fetch(at(`blobs/${digest}`), { headers: { range: "bytes=100-1500099" } });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-range")).toBe("bytes 100-1500099/3000000");
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(100, 1_500_100))).toBe(
      true,
    );
    const beyond = await fetch(at(`blobs/${digest}`), { headers: { range: "bytes=3000000-" } });
    expect(beyond.status).toBe(416);
  });

  it.each([
    ["GET", "manifests/v1", 404],
    ["GET", `blobs/${digestOf("x")}`, 404],
    ["GET", "blobs/..%2f..%2fetc%2fpasswd", 404],
    ["HEAD", "blobs/nonsense", 404],
    ["PUT", "manifests/v1", 405],
    ["DELETE", "manifests/v1", 405],
    ["GET", "tags/list", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    expect((await fetch(at(path), { method })).status).toBe(status);
  });

  it.each(["DOCKER_HOST", "TEST_CLASSIC_DOCKER_HOST"])(
    "is pulled by the engine of %s, raw layers and all",
    async (variable) => {
      const engine = process.env[variable];
      if (engine === undefined)
        throw new Error(
          `${variable} is not set. Run the tests by scripts/services.sh run npm test.`,
        );
      const manifest = await putRunnable(store);
      const image = `${served.host}/served/image@${manifest.digest}`;
      const docker = (...args: string[]) =>
        exec("docker", args, {
          env: { ...process.env, DOCKER_HOST: engine } as Record<string, string>,
        });
      try {
        const pulled = await docker("pull", "--quiet", image);
        expect(`${pulled.stdout}${pulled.stderr}`).toContain(manifest.digest);
        expect(pulled.code).toBe(0);
        const { stdout } = await docker(
          "image",
          "inspect",
          "--format",
          "{{len .RootFS.Layers}}",
          image,
        );
        expect(stdout.trim()).toBe("2");
      } finally {
        await docker("image", "rm", "--force", image);
      }
    },
  );
});

describe("A range of 100 bytes", () => {
  it.each<[string, string | undefined, unknown]>([
    ["absent", undefined, undefined],
    ["from a byte on", "bytes=10-", { from: 10, to: 100 }],
    ["between two bytes", "bytes=10-19", { from: 10, to: 20 }],
    ["beyond the end", "bytes=10-500", { from: 10, to: 100 }],
    ["the last bytes", "bytes=-7", { from: 93, to: 100 }],
    ["more than all of the last bytes", "bytes=-500", { from: 0, to: 100 }],
    ["after the end", "bytes=100-", "outside"],
    ["none of the last bytes", "bytes=-0", "outside"],
    ["backwards", "bytes=20-10", "outside"],
    ["several, which need not be understood", "bytes=1-2,4-5", undefined],
    ["nonsense", "lines=1-2", undefined],
  ])("%s", (_, header, expected) => expect(parseRange(header, 100)).toEqual(expected));
});

/** An image of a raw layer and a compressed one that an engine can unpack. */
async function putRunnable(store: Store): Promise<Document> {
  const tars = [await tarOf("weights"), await tarOf("runtime")];
  const compressed = gzipSync(tars[1] ?? Buffer.alloc(0));
  const layers = [
    { mediaType: "application/vnd.oci.image.layer.v1.tar", bytes: tars[0] ?? Buffer.alloc(0) },
    { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", bytes: compressed },
  ];
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
    }),
  );
  for (const bytes of [config, ...layers.map((layer) => layer.bytes)])
    await store.putBlob(blobOf("part", bytes, digestOf(bytes)));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = document(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(config),
      size: config.length,
    },
    layers: layers.map(({ mediaType, bytes }) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    })),
  });
  await store.putManifest(manifest);
  return manifest;
}

async function tarOf(name: string): Promise<Buffer> {
  const source = await mkdtemp(join(tmpdir(), "tar-"));
  try {
    await exec("sh", ["-c", `echo ${name} > ${name} && tar -cf out.tar ${name}`], { cwd: source });
    return await readFile(join(source, "out.tar"));
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}
