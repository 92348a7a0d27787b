import { expect, it } from "@jest/globals";
import { addedEntry, type HistoryEntry, runtimePart } from "../../src/images/added-layers.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";

const raw = (what: string) => ({ what, digest: digestOf(what), diffId: digestOf(what) });
const gzip = (what: string) => ({ ...raw(what), digest: digestOf(`gzip ${what}`) });
const added = (layer: ReturnType<typeof raw>) => ({ ...layer, entry: addedEntry(layer.what) });
const own = (layer: ReturnType<typeof raw>) => ({ ...layer, entry: { created_by: "COPY" } });

it.each([
  [
    "model layers and the lock's",
    [added(raw("m")), added(raw("n")), own(gzip("r")), added(raw("lock"))],
    ["r"],
  ],
  ["the lock's layer alone", [own(gzip("r")), own(raw("s")), added(raw("lock"))], ["r", "s"]],
  ["nothing, where nothing was added", [own(gzip("r")), own(raw("s"))], ["r", "s"]],
  [
    "no layer of the runtime's own that only says so",
    [added(raw("m")), added(gzip("r")), own(gzip("s")), added(gzip("t"))],
    ["r", "s", "t"],
  ],
  [
    "no layer in the middle",
    [own(gzip("r")), added(raw("m")), own(gzip("s")), added(raw("lock"))],
    ["r", "m", "s"],
  ],
])("the runtime's part of an image leaves out %s", (_, layers, left) => {
  const history: HistoryEntry[] = [
    { created_by: "ENV", empty_layer: true },
    ...layers.map(({ entry }) => entry),
  ];
  const part = runtimePart(
    layers.map(({ digest }) => ({ mediaType: mediaTypes.tar, digest, size: 1 })),
    { rootfs: { diff_ids: layers.map(({ diffId }) => diffId) }, history },
  );
  expect(part?.diffIds).toEqual(left.map((what) => digestOf(what)));
  expect(part?.layers).toHaveLength(left.length);
});

it("is not known of an image whose history does not count up", () => {
  const layers = [{ mediaType: mediaTypes.tar, digest: digestOf("r"), size: 1 }];
  const rootfs = { diff_ids: [digestOf("r")] };
  expect(runtimePart(layers, { rootfs })).toBeUndefined();
  expect(runtimePart([], { rootfs, history: [{ created_by: "COPY" }] })).toBeUndefined();
});
