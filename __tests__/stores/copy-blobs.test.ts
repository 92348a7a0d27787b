import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, jest } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { copyBlobs } from "../../src/stores/copy-blobs.ts";
import { answer, type Fault, stallAfter } from "../fakes/faults.ts";
import { startRegistry } from "../fakes/registry.ts";
import { blob, open } from "./ports.ts";

// Far below the two minutes after which a silent registry is given up.
jest.setTimeout(20_000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A registry with two blobs of which one never comes to its end, and a layout to copy them to. */
async function places(faults: Fault[]) {
  const registry = await startRegistry({}, faults);
  const folder = await mkdtemp(join(tmpdir(), "layout-"));
  closing.push(registry.close, () => rm(folder, { recursive: true, force: true }));
  const from = open(`${registry.host}/nsn/director`);
  const [slow, other] = [blob(500_000), blob(100_000)];
  for (const { source } of [slow, other]) await from.putBlob(source);
  faults.push({ method: "GET", path: slow.digest, does: stallAfter(200_000) });
  const mediaType = "application/vnd.oci.image.layer.v1.tar";
  return {
    ...{ from, to: open(`oci:${folder}`), other, blobs: join(folder, "blobs/sha256") },
    wanted: [slow, other].map(({ digest, bytes }) => ({ mediaType, digest, size: bytes.length })),
  };
}

it("A blob that cannot be copied stops the others that are under way", async () => {
  const faults: Fault[] = [];
  const { from, to, wanted, other, blobs } = await places(faults);
  faults.push({ method: "GET", path: other.digest, does: answer(403) });
  const copy = copyBlobs(wanted, from, to);
  await expect(copy).rejects.toThrow(RemoteError);
  await expect(copy).rejects.toThrow("answered 403");
  expect(await readdir(blobs)).toEqual([]);
});

it("Whoever is told to stop stops every blob, with the reason that was given", async () => {
  const { from, to, wanted, blobs } = await places([]);
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error("told to stop"));
  const copy = copyBlobs(wanted, from, to, { signal: stop.signal, onProgress });
  await expect(copy).rejects.toThrow("told to stop");
  expect((await readdir(blobs)).filter((name) => name.startsWith("."))).toEqual([]);
});
