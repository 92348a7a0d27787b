import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { UsageError } from "../../../src/errors.ts";
import { blobOf } from "../../../src/images/blob.ts";
import { mediaTypes } from "../../../src/images/descriptor.ts";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import {
  type Document,
  descriptorOf,
  document,
  parseIndex,
  parseManifest,
} from "../../../src/images/manifest.ts";
import { readConfigBlob } from "../../../src/pipeline/runtime-images.ts";
import { trusted } from "../../../src/pipeline/verify/identity.ts";
import { type VerifiedImage, verifyImage } from "../../../src/pipeline/verify/verify-image.ts";
import type { Store } from "../../../src/ports/store.ts";
import { transfer } from "../../../src/stores/transfer.ts";
import { startRegistry } from "../../fakes/registry.ts";
import { type FakeSigstore, issuer, type JobClaims, startSigstore } from "../../fakes/sigstore.ts";
import { open, testPorts } from "../../stores/ports.ts";
import { putRuntime, yard } from "../images.ts";
import {
  attach,
  attachBundle,
  type Published,
  predicatesOf,
  type StatementName,
} from "./published.ts";

const here = yard();
const identity =
  "https://github.com/nsn/director/.github/workflows/director-image.yml@refs/tags/v*";
const tagged = { ref: "refs/tags/v1.2.3" };
const claims: { current: JobClaims } = { current: tagged };
let sigstore: FakeSigstore;

beforeAll(async () => {
  // The stand-in asks for its claims anew for each token.
  const live = new Proxy({}, { get: (_, name) => Reflect.get(claims.current, name) });
  sigstore = await startSigstore(live);
});
afterAll(() => sigstore.close());

async function as<T>(who: JobClaims, work: () => Promise<T>): Promise<T> {
  claims.current = who;
  try {
    return await work();
  } finally {
    claims.current = tagged;
  }
}

/** An image with weights, as assemble makes it; another `version`, another image. */
async function assembled(version = "1"): Promise<Published> {
  const runtime = await putRuntime(here.software, [{ version }]);
  const { digest } = await here.assemble([runtime]);
  const index = await here.target.readManifest(digest);
  if (index === undefined) throw new Error("there is no candidate");
  return {
    ...{ store: here.target, lock: here.lock, index },
    runtimes: [{ digest: runtime.digest, diffIds: runtime.diffIds }],
  };
}

const kinds: readonly StatementName[] = ["provenance", "scan", "acceptance", "sbom"];

/** The same with all that promote attaches, but for what a test says otherwise. */
async function attachAll(
  image: Published,
  more: Partial<Record<StatementName, object | undefined>> = {},
): Promise<Published> {
  const predicates = { ...(await predicatesOf(image)), ...more };
  const wanted = kinds.flatMap((kind) => {
    const predicate = predicates[kind];
    return predicate === undefined ? [] : [{ kind, predicate }];
  });
  await attach(image, wanted, sigstore);
  return image;
}

interface How {
  readonly repository?: string;
  readonly now?: number;
  readonly root?: object;
  readonly store?: Store;
  readonly platforms?: readonly string[];
}

async function verified({ index, store }: Published, how: How = {}): Promise<VerifiedImage> {
  const who = trusted(identity, issuer, how.repository);
  return await verifyImage(
    {
      reference: index.digest,
      platforms: how.platforms,
      trust: { who, root: how.root ?? sigstore.root },
      policy: { now: how.now ?? Date.now(), maxAge: 45 * 86_400_000, allowUntested: false },
    },
    { store: how.store ?? store, log: testPorts().log },
  );
}

const failures = ({ checks }: VerifiedImage) =>
  checks
    .filter(({ verdict }) => verdict !== "passed")
    .map(({ name, reason }) => `${name}: ${reason}`);
const everything = ["provenance", "runtime", "weights", "scan", "acceptance", "sbom"];
const names = (result: VerifiedImage) => failures(result).map((line) => line.split(":")[0]);

describe("an image that is what its makers said", () => {
  it("is verified in a layout", async () => {
    const image = await attachAll(await assembled());
    const result = await verified(image);
    expect(failures(result)).toEqual([]);
    expect(result).toMatchObject({ verdict: "passed", digest: image.index.digest, leftAside: [] });
    expect(result.checks.map(({ name }) => name)).toEqual(everything);
  });

  it.each([
    ["with the API for referrers", { referrers: true }],
    ["with the list under a tag", {}],
  ])("is verified in a registry %s", async (_, behaviour) => {
    const registry = await startRegistry(behaviour);
    try {
      const store = open(`${registry.host}/nsn/director`);
      const image = await assembled();
      await transfer(image.index.digest, image.store, store);
      const result = await verified(await attachAll({ ...image, store }));
      expect(failures(result)).toEqual([]);
      expect(result.image).toBe(`${registry.host}/nsn/director@${image.index.digest}`);
    } finally {
      await registry.close();
    }
  });

  it("is not without a single statement", async () => {
    const result = await verified(await assembled());
    expect(result.verdict).toBe("failed");
    expect(names(result)).toEqual(everything);
  });

  it.each(kinds)("is not without its %s", async (kind) => {
    const image = await attachAll(await assembled(), { [kind]: undefined });
    expect(failures(await verified(image))).toContain(`${kind}: none that counts is attached`);
  });

  it("is one of many platforms, each to be asked for", async () => {
    const image = await attachAll(await assembled());
    const result = await verified(image, { platforms: ["linux/amd64"] });
    expect(failures(result)).toEqual([]);
    await expect(verified(image, { platforms: ["linux/arm64"] })).rejects.toThrow(UsageError);
  });

  it("stays it whatever strangers attach", async () => {
    const image = await attachAll(await assembled());
    const predicates = await predicatesOf(image);
    const evil = { ...predicates.scan, verdict: "failed", reason: "says a stranger" };
    await as({ repository: "evil/director" }, () =>
      attach(image, [{ kind: "scan", predicate: evil }], sigstore),
    );
    await attachBundle(image, "no bundle", "https://slsa.dev/provenance/v1");
    await attachBundle(image, '{"mediaType":"x"}', "x");
    const result = await verified(image);
    expect(failures(result)).toEqual([]);
    expect(result.leftAside.map(({ kind, reason }) => [kind, reason])).toEqual(
      expect.arrayContaining([
        [
          "scan",
          `https://github.com/evil/director/.github/workflows/director-image.yml@refs/heads/main signed it, not ${identity}`,
        ],
        ["provenance", expect.stringContaining("no signature bundle of Sigstore")],
        [undefined, expect.stringContaining("no signature bundle of Sigstore")],
      ]),
    );
  });
});

describe("an image is refused that was tampered with:", () => {
  it.each<[string, JobClaims]>([
    ["another repository", { ...tagged, repository: "evil/director" }],
    ["another workflow of the repository", { ...tagged, workflow: ".github/workflows/x.yml" }],
    ["the workflow on a branch", { ref: "refs/heads/main" }],
  ])("the wrong identity, %s", async (_, who) => {
    const image = await as(who, async () => attachAll(await assembled()));
    const result = await verified(image);
    expect(names(result)).toEqual(everything);
    expect(failures(result)[0]).toContain(`signed it, not ${identity}`);
  });

  it("the wrong identity, a Sigstore that nobody knows", async () => {
    const image = await attachAll(await assembled());
    const other = await startSigstore();
    try {
      const result = await verified(image, { root: other.root });
      expect(names(result)).toEqual(everything);
      expect(failures(result)[0]).toContain("by anybody whom Sigstore knows");
    } finally {
      await other.close();
    }
  });

  it("the wrong identity, a run of another repository than was said", async () => {
    const image = await attachAll(await assembled());
    const [first] = failures(await verified(image, { repository: "nsn/nsn" }));
    expect(first).toContain(
      "a run of https://github.com/nsn/director signed it (by https://github.com/nsn/director/.github/workflows/director-image.yml@refs/tags/v1.2.3), not one of https://github.com/nsn/nsn",
    );
  });

  it("a changed manifest, by whoever may push, with all statements copied", async () => {
    const image = await assembled();
    const bundles = await attach(image, await statements(image), sigstore);
    const changed = await withEnvironment(image);
    for (const bundle of bundles) await attachBundle(changed, bundle, "x");
    const result = await verified(changed);
    expect(names(result)).toEqual(everything);
    expect(result.leftAside.map(({ kind, reason }) => [kind, reason])).toEqual(
      expect.arrayContaining(
        kinds.map((kind) => [kind, `it was signed for another image, ${image.index.digest}`]),
      ),
    );
  });

  it("a changed manifest below statements that are the makers' own", async () => {
    const image = await assembled();
    const changed = await withEnvironment(image);
    const predicates = await predicatesOf(image);
    // Index and platforms are signed: a platform that was not is found even where the index was.
    await attach(changed, [{ kind: "scan", predicate: predicates.scan }], sigstore);
    const result = await verified(changed);
    expect(names(result)).toEqual(expect.arrayContaining(["provenance", "weights"]));
  });

  it("swapped weights", async () => {
    const image = await assembled();
    const swapped = await withWeights(image);
    await attach(swapped, await statements(image, swapped.index.digest), sigstore);
    const result = await verified(swapped);
    expect(failures(result)).toEqual([
      expect.stringMatching(
        /^weights: its model layer sha256:[0-9a-f]{64} is not one of the lock's$/,
      ),
    ]);
  });

  it("statements of another image", async () => {
    const [one, two] = [await assembled("1"), await assembled("2")];
    const about = one.index;
    const replayed = (await statements(one)).map((statement) => ({ ...statement, about }));
    await attach(two, replayed, sigstore);
    const result = await verified(two);
    expect(names(result)).toEqual(everything);
    expect(failures(result)[0]).toBe(
      `provenance: none that counts is attached; left aside: it was signed for another image, ${one.index.digest}`,
    );
  });

  it("an older scan", async () => {
    const image = await attachAll(await assembled());
    const result = await verified(image, { now: Date.now() + 46 * 86_400_000 });
    expect(failures(result)).toEqual([
      expect.stringMatching(/^scan: signed .*, 46 days ago; at most 45/),
    ]);
  });

  it("an older scan, which passed, beside a newer one, which did not", async () => {
    const image = await attachAll(await assembled());
    const { scan } = await predicatesOf(image);
    await new Promise((done) => setTimeout(done, 1100));
    const newer = { ...scan, verdict: "failed", reason: "CVE-2026-1 is critical" };
    await attach(image, [{ kind: "scan", predicate: newer }], sigstore);
    expect(failures(await verified(image))).toEqual(["scan: it failed: CVE-2026-1 is critical"]);
  });

  it("a scan of another runtime", async () => {
    const [one, two] = [await assembled("1"), await assembled("2")];
    const { scan } = await predicatesOf(one);
    const result = await verified(await attachAll(two, { scan }));
    expect(names(result)).toEqual(["runtime"]);
  });

  it("an acceptance of another digest", async () => {
    const [one, two] = [await assembled("1"), await assembled("2")];
    const { acceptance } = await predicatesOf(one);
    const result = await verified(await attachAll(two, { acceptance }));
    expect(failures(result)).toEqual([
      `acceptance: ${one.index.digest} was accepted, not this image`,
    ]);
  });
});

async function statements(image: Published, accepted: Digest = image.index.digest) {
  const predicates = await predicatesOf(image);
  const acceptance = { ...predicates.acceptance, digest: accepted };
  return kinds.map((kind) => ({ kind, predicate: { ...predicates, acceptance }[kind] }));
}

/** The image with its only platform's manifest and config changed. */
async function changedImage(
  { store, index, ...image }: Published,
  change: (layers: Digest[]) => Promise<void> | void,
  more: object = {},
): Promise<Published> {
  const [platform] = parseIndex(index).manifests;
  const before = platform && (await store.readManifest(platform.digest));
  if (before === undefined) throw new Error("the image has no platform");
  const { layers, config: _config, ...manifest } = parseManifest(before);
  const old = await readConfigBlob(before, store);
  const digests = layers.map(({ digest }) => digest);
  await change(digests);
  const rootfs = { ...old.rootfs, diff_ids: digests };
  const config = document(mediaTypes.config, { ...old, ...more, rootfs });
  await store.putBlob(blobOf("config", config.bytes, config.digest));
  const sized = await Promise.all(
    digests.map(async (digest, at) => {
      const size = (await store.blobSize(digest)) ?? 0;
      return { ...layers[at], digest, size, mediaType: mediaTypes.tar };
    }),
  );
  const own = document(mediaTypes.manifest, {
    ...{ ...manifest, config: descriptorOf(config), layers: sized },
  });
  const changed: Document = document(mediaTypes.index, {
    ...parseIndex(index),
    manifests: [descriptorOf(own, { platform: platform?.platform })],
  });
  await store.putManifest(own);
  await store.putManifest(changed);
  return { ...image, store, index: changed };
}

const withEnvironment = (image: Published) =>
  changedImage(image, () => undefined, { config: { Env: ["LD_PRELOAD=/evil.so"] } });

/** The lowest model layer is another one; all that is said of the image stays. */
const withWeights = (image: Published) =>
  changedImage(image, async (layers) => {
    const bytes = new TextEncoder().encode("other weights".padEnd(1024));
    layers[0] = digestOf(bytes);
    await image.store.putBlob(blobOf("evil", bytes, layers[0]));
  });
