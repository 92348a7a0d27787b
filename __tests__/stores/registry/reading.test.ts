import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError, MissingBlobError, RemoteError } from "../../../src/errors.ts";
import { digestOf } from "../../../src/images/digest.ts";
import {
  answer,
  corruptAt,
  disconnectAfter,
  type Fault,
  stallAfter,
  truncateTo,
} from "../../fakes/faults.ts";
import { startRegistry } from "../../fakes/registry.ts";
import type { RegistryBehaviour } from "../../fakes/registry-state.ts";
import { blob, collect, open, putImage, testPorts } from "../ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A registry that has one blob of 1 MB, and the store over it. */
async function withBlob(behaviour: RegistryBehaviour = {}, faults: readonly Fault[] = []) {
  const running = await startRegistry(behaviour, faults);
  closing.push(running.close);
  const ports = testPorts();
  const store = open(`${running.host}/nsn/director`, {}, ports);
  const { bytes, digest } = blob(1_000_000);
  running.repository("nsn/director").blobs.set(digest, bytes);
  return { running, store, bytes, digest, ports };
}

const blobs = { method: "GET", path: "/blobs/sha256" };

describe("A blob of a registry", () => {
  it.each<[string, RegistryBehaviour]>([
    ["the registry itself", {}],
    ["the storage that it points to", { redirectBlobs: true }],
  ])("is read on where %s breaks, again and again", async (_, behaviour) => {
    const faults = [{ ...blobs, nth: [1, 2, 3, 4, 5, 6], does: disconnectAfter(150_000) }];
    const { store, bytes, digest } = await withBlob(
      behaviour,
      behaviour.redirectBlobs ? [] : faults,
    );
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it("is asked for again at the byte reached", async () => {
    const { store, bytes, digest, ports } = await withBlob({}, [
      { ...blobs, nth: 1, does: disconnectAfter(400_000) },
    ]);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    expect(ports.lines).toContain("Retry 2/5 in 2s...");
  });

  it("is not believed where a byte of it is another", async () => {
    const { store, digest } = await withBlob({}, [{ ...blobs, does: corruptAt(500_000) }]);
    await expect(collect(store.readBlob(digest))).rejects.toThrow(IntegrityError);
  });

  it("is not believed where it ends early", async () => {
    const { store, digest } = await withBlob({}, [{ ...blobs, does: truncateTo(999_999) }]);
    await expect(collect(store.readBlob(digest))).rejects.toThrow(/999,999 bytes/);
  });

  it("is read on where the registry falls silent", async () => {
    const { running, bytes, digest, ports } = await withBlob({}, [
      { ...blobs, nth: 1, does: stallAfter(300_000) },
    ]);
    const fetch: typeof ports.fetch = (request) => ports.fetch({ ...request, idleTimeout: 1500 });
    const store = open(`${running.host}/nsn/director`, {}, { ...ports, fetch });
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    expect(ports.lines.join()).toContain("fell silent");
  });

  it("is read from the right byte of a server that knows no ranges", async () => {
    const ignores: Fault = {
      ...blobs,
      does: (next) => (request, response) => {
        delete request.headers.range;
        next(request, response);
      },
    };
    const { store, bytes, digest } = await withBlob({}, [ignores]);
    expect((await collect(store.readBlob(digest, 777_777))).equals(bytes.subarray(777_777))).toBe(
      true,
    );
  });

  it("stops being read when told to", async () => {
    const { store, digest } = await withBlob();
    const stop = new AbortController();
    const read = async () => {
      for await (const _ of store.readBlob(digest, 0, stop.signal))
        stop.abort(new Error("told to stop"));
    };
    await expect(read()).rejects.toThrow("told to stop");
  });

  it("has a size also where HEAD does not say it", async () => {
    const { store, digest } = await withBlob({ head: "without-length" });
    expect(await store.blobSize(digest)).toBe(1_000_000);
    expect(await store.blobSize(digestOf("nothing"))).toBeUndefined();
  });

  it.each([
    ["429", answer(429, { headers: { "retry-after": "3" } })],
    ["503", answer(503)],
    ["500", answer(500)],
  ])("is asked for again where the registry answers %s", async (_, does) => {
    const { store, bytes, digest, ports } = await withBlob({}, [{ nth: [1, 2], does }]);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    expect(ports.waits).toHaveLength(2);
  });

  it("is given up where the registry asks for more patience than anyone has", async () => {
    const does = answer(429, { headers: { "retry-after": "86400" } });
    const { store, digest, ports } = await withBlob({}, [{ does }]);
    await expect(store.blobSize(digest)).rejects.toThrow("(HTTP 429, asks for 86400s)");
    expect(ports.waits).toEqual([]);
  });
});

describe("A manifest of a registry", () => {
  const manifests = { method: "GET", path: "/manifests/" };

  it.each([
    ["by digest", (digest: string) => digest],
    ["by tag, with the digest in the answer", () => "v1"],
  ])("is not believed where a byte of it is another: %s", async (_, reference) => {
    const { store } = await withBlob({}, [{ ...manifests, does: corruptAt(30) }]);
    const { digest } = await putImage(store, [], "v1");
    await expect(store.readManifest(reference(digest))).rejects.toThrow(IntegrityError);
  });

  it("is read again where the connection breaks", async () => {
    const { store } = await withBlob({}, [{ ...manifests, nth: 1, does: disconnectAfter(20) }]);
    const { digest } = await putImage(store, [], "v1");
    expect((await store.readManifest("v1"))?.digest).toBe(digest);
  });

  it("tells its digest also where HEAD does not", async () => {
    const silent: Fault = {
      method: "HEAD",
      path: "/manifests/",
      does: () => (_, response) => response.writeHead(200).end(),
    };
    const { store } = await withBlob({}, [silent]);
    const { digest } = await putImage(store, [], "v1");
    expect(await store.manifestDigest("v1")).toBe(digest);
  });

  it("names what the registry lost since it was uploaded", async () => {
    const { store } = await withBlob({ loseLayers: 1 });
    const layer = blob(100);
    const put = putImage(store, [layer.source], "v1");
    await expect(put).rejects.toThrow(MissingBlobError);
    await expect(put).rejects.toMatchObject({ digests: [layer.digest] });
  });

  it("is not too long to be one", async () => {
    const endless = answer(200, { body: "x".repeat(17 * 1024 * 1024) });
    const { store } = await withBlob({}, [{ ...manifests, does: endless }]);
    await expect(store.readManifest("v1")).rejects.toThrow("longer than the 16 MiB");
  });
});

describe("A redirect", () => {
  it.each([
    ["without end", (host: string) => `http://${host}/v2/nsn/director/blobs/x`],
    ["to another protocol", () => "file:///etc/passwd"],
  ])("%s is not followed", async (_, to) => {
    let host = "";
    const away: Fault = {
      method: "GET",
      does: () => (_request, response) => response.writeHead(307, { location: to(host) }).end(),
    };
    const { running, store, digest } = await withBlob({}, [away]);
    host = running.host;
    await expect(collect(store.readBlob(digest))).rejects.toThrow(RemoteError);
  });
});
