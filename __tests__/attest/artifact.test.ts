import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { bundleManifest, emptyBlob, readAttached } from "../../src/attest/artifact.ts";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import { blobOf } from "../../src/images/blob.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { type Document, document, parseManifest } from "../../src/images/manifest.ts";
import { referrersTag } from "../../src/images/referrer.ts";
import type { Store } from "../../src/ports/store.ts";
import { answer } from "../fakes/faults.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import { open } from "../stores/ports.ts";

const subject = { mediaType: mediaTypes.index, digest: digestOf("an image"), size: 8 };
const refused = digestOf("a bundle that is refused");

let registry: FakeRegistry;
let store: Store;
beforeAll(async () => {
  const path = new RegExp(`/blobs/${refused}`);
  registry = await startRegistry({}, [{ method: "GET", path, does: answer(403) }]);
  store = open(`${registry.host}/nsn/director`);
});
afterAll(() => registry.close());

/** A bundle in the registry; what `change` makes of its manifest is attached. */
async function attached(text: string, change: object = {}): Promise<Document> {
  const bundle = new TextEncoder().encode(text);
  for (const bytes of [emptyBlob, bundle])
    await store.putBlob(blobOf("bundle", bytes, digestOf(bytes)));
  const manifest = bundleManifest({ bundle, subject, predicateType: "x", created: "2026-11-09" });
  const changed = document(mediaTypes.manifest, { ...parseManifest(manifest), ...change });
  await store.putManifest(changed);
  return changed;
}

describe("what is attached to an image", () => {
  it("is read with its bundle", async () => {
    const manifest = await attached("{}");
    expect(await readAttached(store, manifest, subject.digest)).toEqual({
      ...{ digest: manifest.digest, predicateType: "x", bundle: "{}" },
    });
  });

  it.each<[string, object, string]>([
    ["whose type is no text", { artifactType: 5 }, "has an artifactType that is no text"],
    ["whose annotations are none", { annotations: { a: [] } }, "has annotations that are no texts"],
    [
      "whose bundle is longer than it says",
      { layers: [{ ...{ mediaType: "x", size: 1 }, digest: digestOf("long") }] },
      "is longer than the 1 bytes said of it",
    ],
  ])("is not a stranger's %s", async (_, change, said) => {
    const manifest = await attached("long", change);
    const read = readAttached(store, manifest, subject.digest);
    await expect(read).rejects.toThrow(IntegrityError);
    await expect(read).rejects.toThrow(said);
  });

  it("is not one whose bundle is not there", async () => {
    const manifest = await attached("lost");
    registry.repository("nsn/director").blobs.delete(digestOf("lost"));
    const read = readAttached(store, manifest, subject.digest);
    await expect(read).rejects.toThrow(IntegrityError);
    await expect(read).rejects.toThrow("is not there");
  });

  it("is not known where the registry refuses a bundle that is there", async () => {
    const manifest = await attached("a bundle that is refused");
    const read = readAttached(store, manifest, subject.digest);
    await expect(read).rejects.toThrow(RemoteError);
  });
});

it("a list under the tag that is none lists nothing, and another takes its place", async () => {
  const about = digestOf("another image");
  const broken = document(mediaTypes.index, { manifests: [], annotations: 5 });
  await store.putManifest(broken, referrersTag(about));
  expect(await store.referrers(about)).toEqual([]);
  const bundle = new TextEncoder().encode("{}");
  const manifest = bundleManifest({
    ...{ bundle, predicateType: "x", created: "2026-11-09" },
    subject: { ...subject, digest: about },
  });
  await store.putReferrer(manifest);
  expect((await store.referrers(about)).map(({ digest }) => digest)).toEqual([manifest.digest]);
});
