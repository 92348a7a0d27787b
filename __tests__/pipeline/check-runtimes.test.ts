import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { parseManifest } from "../../src/images/manifest.ts";
import { names } from "../../src/images/names.ts";
import { publishedTags } from "../../src/pipeline/assemble.ts";
import { delivered } from "../../src/pipeline/delivery.ts";
import type { Runtime } from "../../src/pipeline/runtime-images.ts";
import type { AssembleResult } from "../../src/results/stages.ts";
import { collect } from "../stores/ports.ts";
import { putRuntime, tar, yard } from "./images.ts";

const given = yard();
const root = { "models/": 1000 };
const app = (text: string) => ({ "app/": 0, "app/bin": text });

let read: Digest[];
/** The runtime in a store that notes which blobs are read. */
const noted = (runtime: Runtime): Runtime => ({
  ...runtime,
  store: {
    ...runtime.store,
    readBlob: (digest, ...more) => {
      read.push(digest);
      return runtime.store.readBlob(digest, ...more);
    },
  },
});
beforeEach(() => {
  read = [];
});

/** Puts an image together and points tags at it. */
async function publish(runtime: Runtime, ...tags: readonly string[]): Promise<AssembleResult> {
  const made = await given.assemble([runtime]);
  const index = await given.target.readManifest(made.digest);
  if (index === undefined) throw new Error("the index is gone");
  for (const tag of tags) await given.target.putManifest(index, tag);
  return made;
}

async function annotationsOf({ platforms }: AssembleResult) {
  const manifest = await given.target.readManifest(platforms[0]?.digest ?? "");
  return manifest === undefined ? undefined : parseManifest(manifest).annotations;
}

describe("of a new runtime image", () => {
  it("every layer is read and counted where nothing is published", async () => {
    const layers = [await tar(root), await tar(app("1"))];
    const made = await given.assemble([await putRuntime(given.software, layers)], {
      published: ["latest"],
    });
    expect(made.newRuntimeBytes).toBe(layers.reduce((sum, { length }) => sum + length, 0));
    expect((await annotationsOf(made))?.[names.owner]).toBe(
      `${digestOf(layers[0] as Buffer)} 1000:1000 0755`,
    );
  });

  it("a layer that both platforms have is looked at, sent and counted once", async () => {
    const layer = await tar(app("1"));
    const runtimes = [
      noted(await putRuntime(given.software, [layer])),
      noted(await putRuntime(given.software, [layer], { platform: "linux/arm64" })),
    ];
    expect((await given.assemble(runtimes)).newRuntimeBytes).toBe(layer.length);
    expect(read.filter((digest) => digest === digestOf(layer))).toHaveLength(2);
  });

  it.each([
    ["under the tag latest", ["latest"], ["1.2.3", "latest", "main"]],
    ["under another of its tags", ["pr-7"], ["pr-7", "latest", "main"]],
    ["under the default branch's tag", ["main"], ["pr-7", "latest", "main"]],
    ["under several tags", ["main", "latest"], ["pr-7", "latest", "main"]],
  ])("a layer of the image %s is neither read nor counted", async (_, tags, published) => {
    const [base, changed] = [await tar(root), await tar(app("2"))];
    await publish(await putRuntime(given.software, [base, app("1")]), ...tags);
    const next = noted(await putRuntime(given.software, [base, changed]));
    const made = await given.assemble([next], { published });
    expect(made.newRuntimeBytes).toBe(changed.length);
    expect(read).not.toContain(digestOf(base));
    expect((await annotationsOf(made))?.[names.owner]).toBe(`${digestOf(base)} 1000:1000 0755`);
  });

  it("nothing is counted where all of it is published", async () => {
    const runtime = await putRuntime(given.software, [root, app("1")]);
    const first = await publish(runtime, "main");
    const again = await given.assemble([runtime], { published: ["1.0", "latest", "main"] });
    expect(again).toMatchObject({ newRuntimeBytes: 0, bytesUploaded: 0, digest: first.digest });
  });

  it("every layer is read again where the published image has its models elsewhere", async () => {
    const base = await tar({ "opt/": 0, "opt/weights/": 0, "opt/weights/x": "x" });
    const runtime = await putRuntime(given.software, [base]);
    await publish(runtime, "latest");
    const lock = { ...given.lock, root: "/opt/weights" };
    await expect(
      given.assemble([runtime], { ...delivered(lock, "bake"), published: ["latest"] }),
    ).rejects.toThrow("below the models' root");
  });

  it("every layer is read again where the published image is not whole", async () => {
    const base = await tar(root);
    const runtime = await putRuntime(given.software, [base]);
    const { platforms } = await publish(runtime, "latest");
    const { target } = given;
    const manifest = await target.readManifest(platforms[0]?.digest ?? "");
    if (manifest === undefined) throw new Error("the manifest is gone");
    const { config } = parseManifest(manifest);
    const broken = {
      ...target,
      readBlob: (digest: Digest, ...more: [number?, AbortSignal?]) =>
        target.readBlob(digest === config.digest ? digestOf("lost") : digest, ...more),
    };
    const made = await given.assemble([noted(runtime)], { published: ["latest"] }, broken);
    expect(made.newRuntimeBytes).toBe(base.length);
  });
});

describe("a runtime image that carries weights is refused", () => {
  const published = ["latest"];
  const weights = async (at: number) =>
    collect(given.target.readBlob(given.lock.layers[at]?.digest ?? digestOf("")));

  beforeEach(async () => {
    await publish(await putRuntime(given.software, [root, app("1")]), "latest");
  });

  it.each([["bake"], ["mount"]] as const)(
    "by the lock, whichever model's layer it is (%s)",
    async (delivery) => {
      const runtime = noted(await putRuntime(given.software, [app("1"), await weights(1)]));
      await expect(
        given.assemble([runtime], { ...delivered(given.lock, delivery), published }),
      ).rejects.toThrow(`already brings the model layer ${given.lock.layers[1]?.digest}`);
      expect(read).not.toContain(given.lock.layers[1]?.digest);
    },
  );

  it("by its entries, where the lock has moved on and only the published image has them", async () => {
    const [first, second] = given.lock.layers;
    const [model] = given.lock.models;
    if (first === undefined || second === undefined || model === undefined)
      throw new Error("incomplete");
    const lock = { ...given.lock, models: [model], layers: [first] };
    const runtime = await putRuntime(given.software, [app("1"), await weights(1)]);
    await expect(
      given.assemble([runtime], { ...delivered(lock, "bake"), published }),
    ).rejects.toThrow("/models/two lies below the models' root");
  });

  it("by its entries, where it has the lock's layer of the published image", async () => {
    const { bytes } = delivered(given.lock, "bake").lock({ uid: 1000, gid: 1000, mode: 0o755 });
    const runtime = await putRuntime(given.software, [app("1"), Buffer.from(bytes)]);
    await expect(given.assemble([runtime], { published })).rejects.toThrow(
      "/models/models.lock.json lies below the models' root",
    );
  });

  it.each([
    [names.models, "already carries the models image x"],
    [names.root, "was put together with models already"],
  ])("by its label %s", async (label, message) => {
    const runtime = await putRuntime(given.software, [app("1")], { labels: { [label]: "x" } });
    await expect(given.assemble([runtime], { published })).rejects.toThrow(message);
  });

  it("as the whole of an assembled image", async () => {
    const { platforms } = await given.assemble([await putRuntime(given.software, [app("2")])]);
    const [{ platform, digest } = { platform: "", digest: digestOf("") }] = platforms;
    const runtime = { platform, digest, store: given.target };
    await expect(given.assemble([runtime], { published })).rejects.toThrow(
      "was put together with models already",
    );
  });
});

it("the images published before are looked for under the plan's tags, latest and the default branch's", () => {
  const tags = ["1.2.3", "1.2", "latest"];
  expect(publishedTags({ tags }, { defaultBranch: "main" })).toEqual([...tags, "main"]);
  expect(publishedTags({ tags: ["pr-7"] }, { defaultBranch: "a/b" })).toEqual(["pr-7", "latest"]);
});
