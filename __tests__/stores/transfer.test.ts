import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { CheckError, MissingBlobError, RemoteError } from "../../src/errors.ts";
import { descriptorOf, document, parseIndex, parseManifest } from "../../src/images/manifest.ts";
import type { Store } from "../../src/ports/store.ts";
import { countRequests } from "../../src/stores/count-requests.ts";
import { transfer } from "../../src/stores/transfer.ts";
import { startRegistry } from "../fakes/registry.ts";
import { startRegistryProcess } from "../fakes/registry-process.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";
import { blob, collect, indexOf, open, putImage, testPorts } from "./ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function registry(behaviour: RegistryBehaviour = {}) {
  const running = await startRegistry(behaviour);
  closing.push(running.close);
  return running;
}

async function layout(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "layout-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  return open(`oci:${folder}`);
}

/** An image for two platforms, of which they share a layer, with an attestation of the first. */
async function putMultiPlatform(store: Store, tag: string) {
  const shared = blob(2_000_000);
  const amd64 = await putImage(store, [shared.source, blob(5000).source]);
  const arm64 = await putImage(store, [shared.source, blob(6000).source]);
  const attestation = await putImage(store, [blob(700).source]);
  const { manifests, ...rest } = parseIndex(indexOf([amd64, arm64]));
  const index = document("application/vnd.oci.image.index.v1+json", {
    ...rest,
    manifests: [
      ...manifests,
      descriptorOf(attestation, {
        platform: { os: "unknown", architecture: "unknown" },
        annotations: { "vnd.docker.reference.digest": amd64.digest },
      }),
    ],
  });
  await store.putManifest(index, tag);
  return { index, amd64, arm64, attestation, shared };
}

/** Reads everything that the reference names. */
async function readWhole(store: Store, reference: string): Promise<number> {
  const { manifests } = parseIndex((await store.readManifest(reference)) ?? fail(reference));
  let bytes = 0;
  for (const { digest } of manifests) {
    const { config, layers } = parseManifest((await store.readManifest(digest)) ?? fail(digest));
    for (const layer of [config, ...layers])
      bytes += (await collect(store.readBlob(layer.digest))).length;
  }
  return bytes;
}

function fail(what: string): never {
  throw new Error(`${what} is not there`);
}

const places = {
  "a registry": async () => open(`${(await registry()).host}/nsn/director`),
  "distribution 3": async () => {
    const running = await startRegistryProcess();
    closing.push(running.close);
    return open(`${running.host}/nsn/director`);
  },
  "a layout": layout,
};

describe.each(Object.keys(places) as (keyof typeof places)[])("A copy out of %s", (from) => {
  it.each(Object.keys(places) as (keyof typeof places)[])(
    "into %s is whole, and costs nothing the second time",
    async (to) => {
      const [source, target] = [await places[from](), await places[to]()];
      const { index } = await putMultiPlatform(source, "v1");
      const progress: [number, number][] = [];
      const copied = await transfer("v1", source, target, {
        tag: "copy",
        onProgress: (done, total) => progress.push([done, total]),
      });
      expect(copied.digest).toBe(index.digest);
      expect(await target.manifestDigest("copy")).toBe(index.digest);
      expect(await readWhole(target, "copy")).toBe(2 * 2_000_000 + 11_700 + 3 * 300);
      expect(progress.at(-1)).toEqual([2_012_600, 2_012_600]);
      const again = await transfer("v1", source, target, { tag: "copy" });
      expect(again.bytesSent).toBeLessThan(5000);
    },
  );
});

describe("A copy", () => {
  it("within a registry mounts instead of sending", async () => {
    const { host, requests } = await registry();
    const source = open(`${host}/nsn/models`);
    await putMultiPlatform(source, "v1");
    const before = requests.length;
    const { bytesSent } = await transfer("v1", source, open(`${host}/nsn/director`), { tag: "v1" });
    const after = requests.slice(before);
    expect(bytesSent).toBeLessThan(5000);
    expect(after.some(({ method, url }) => method === "GET" && url.includes("/blobs/"))).toBe(
      false,
    );
    expect(after.filter(({ url }) => url.includes("mount=")).length).toBeGreaterThan(0);
  });

  it("within a registry that refuses to mount sends instead", async () => {
    const { host } = await registry({ mount: "accepted" });
    const source = open(`${host}/nsn/models`);
    await putMultiPlatform(source, "v1");
    const target = open(`${host}/nsn/director`);
    expect((await transfer("v1", source, target, { tag: "v1" })).bytesSent).toBeGreaterThan(2e6);
    await readWhole(target, "v1");
  });

  it("goes into a registry that behaves like GHCR, and out again", async () => {
    const users = { username: "octocat", password: "token" };
    const running = await registry({
      auth: { ...users, scheme: "bearer", anonymousPull: true },
      redirectBlobs: true,
      mount: "accepted",
      longestRangedPatch: 4 * 1024 * 1024,
      location: "query",
    });
    const login = { ...users, registry: running.host };
    const source = await layout();
    await putMultiPlatform(source, "v1");
    await transfer("v1", source, open(`${running.host}/nsn/models`, { login }), { tag: "v1" });
    const target = open(`${running.host}/nsn/director`, { login });
    await transfer("v1", open(`${running.host}/nsn/models`, { login }), target, { tag: "v1" });
    await readWhole(open(`${running.host}/nsn/director`), "v1");
    expect(running.storageRequests.some(({ authorization }) => authorization !== undefined)).toBe(
      false,
    );
  });

  it("asks once for each blob that is there", async () => {
    const { host } = await registry();
    const source = await layout();
    await putMultiPlatform(source, "v1");
    await transfer("v1", source, open(`${host}/nsn/director`));
    const ports = testPorts();
    const { fetch, requests } = countRequests(ports.fetch);
    const target = open(`${host}/nsn/director`, {}, { ...ports, fetch });
    await transfer("v1", source, target);
    expect(requests()).toBe(4 + 3 + 4);
  });

  it("of chosen platforms keeps what speaks of them", async () => {
    const source = await layout();
    const { amd64, attestation, index } = await putMultiPlatform(source, "v1");
    const target = await layout();
    const copied = await transfer("v1", source, target, { tag: "v1", platforms: ["linux/amd64"] });
    const { manifests } = parseIndex((await target.readManifest("v1")) ?? fail("v1"));
    expect(manifests.map(({ digest }) => digest)).toEqual([amd64.digest, attestation.digest]);
    expect(copied.digest).not.toBe(index.digest);
    const both = { platforms: ["linux/arm64/v8", "linux/amd64"] };
    expect((await transfer("v1", source, target, both)).digest).toBe(index.digest);
  });

  it("of a platform that is not there is refused by name", async () => {
    const source = await layout();
    await putMultiPlatform(source, "v1");
    const copy = transfer("v1", source, await layout(), { platforms: ["linux/s390x"] });
    await expect(copy).rejects.toThrow(CheckError);
    await expect(copy).rejects.toThrow(
      "no manifest for linux/s390x, only linux/amd64, linux/arm64",
    );
  });

  it("leaves blobs out where it is told to", async () => {
    const source = await layout();
    const { shared } = await putMultiPlatform(source, "v1");
    const target = await layout();
    await transfer("v1", source, target, { leaveOut: ({ digest }) => digest === shared.digest });
    expect(await target.blobSize(shared.digest)).toBeUndefined();
  });

  it("sends again what the registry lost before the manifest came", async () => {
    const { host } = await registry({ loseLayers: 2 });
    const source = await layout();
    await putMultiPlatform(source, "v1");
    const target = open(`${host}/nsn/director`);
    await transfer("v1", source, target, { tag: "v1" });
    await readWhole(target, "v1");
  });

  it("sends again what the registry only said it had", async () => {
    const source = await layout();
    const { index, amd64, shared } = await putMultiPlatform(source, "v1");
    const claims = { [shared.digest]: shared.bytes.length };
    const { host, requests, repository } = await registry({ claims });
    const copied = await transfer("v1", source, open(`${host}/nsn/director`));
    expect(copied.digest).toBe(index.digest);
    expect(copied.bytesSent).toBeGreaterThan(shared.bytes.length);
    expect(repository("nsn/director").blobs.get(shared.digest)).toEqual(shared.bytes);
    const puts = requests.filter(({ method, url }) => method === "PUT" && url.includes("manifest"));
    expect(puts.filter(({ url }) => url.endsWith(amd64.digest))).toHaveLength(2);
    expect(puts).toHaveLength(4 + 1);
    const asked = requests.filter(({ url }) => url.endsWith(`/blobs/${shared.digest}`));
    expect(asked.map(({ method }) => method)).toEqual(["HEAD"]);
  });

  it("is given up where the registry loses the same blob without end, and moves no tag", async () => {
    const { host, repository } = await registry({ loseLayers: 100 });
    const source = await layout();
    await putMultiPlatform(source, "v1");
    const copy = transfer("v1", source, open(`${host}/nsn/director`), { tag: "v1" });
    await expect(copy).rejects.toThrow(MissingBlobError);
    expect(repository("nsn/director").tags.size).toBe(0);
  });

  it("of what is not there says so", async () => {
    await expect(transfer("v1", await layout(), await layout())).rejects.toThrow(RemoteError);
  });

  it("stops when told to", async () => {
    const { host, repository } = await registry();
    const source = await layout();
    await putMultiPlatform(source, "v1");
    const stop = new AbortController();
    const copy = transfer("v1", source, open(`${host}/nsn/director`), {
      tag: "v1",
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("told to stop")),
    });
    await expect(copy).rejects.toThrow("told to stop");
    expect(repository("nsn/director").manifests.size).toBe(0);
  });
});
