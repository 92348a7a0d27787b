import { CheckError, IntegrityError, UsageError } from "../errors.ts";
import type { ImageConfig, RuntimeImage } from "../images/assemble.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import { type Document, isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";
import { readBounded } from "../images/read-bounded.ts";
import type { Store } from "../ports/store.ts";

/** One platform's manifest of what BuildKit made. */
export interface Runtime {
  readonly platform: Platform;
  readonly digest: Digest;
  /** Where it is. */
  readonly store: Store;
  /** BuildKit's own indexes beside it, where its provenance may be. */
  readonly indexes?: readonly Digest[];
  /** Labels of this platform alone. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A runtime whose manifest and config were read. */
export type ReadRuntime = Runtime & { readonly image: RuntimeImage };

/** The platform manifests behind references: an index gives several, a manifest one. Attestations are left out. */
export async function runtimePlatforms(
  reference: string,
  store: Store,
): Promise<readonly Runtime[]> {
  const document = await store.readManifest(reference);
  if (document === undefined)
    throw new CheckError(`${store.name} has no image ${reference}.`, {
      todo: "Build it first, or name another runtime image.",
    });
  if (!isIndex(document)) {
    const config = await readConfigBlob(document, store);
    return [
      {
        platform: platformName({
          os: String(config["os"]),
          architecture: String(config["architecture"]),
          ...variantOf(config),
        }),
        digest: document.digest,
        store,
      },
    ];
  }
  return parseIndex(document)
    .manifests.filter(({ platform }) => platform !== undefined && platform.os !== "unknown")
    .map(({ platform, digest }) => ({
      platform: platformName(platform as NonNullable<Descriptor["platform"]>),
      digest,
      store,
    }));
}

/** The runtimes in the order of the wanted platforms, each exactly once; a platform that is missing on one side is refused. */
export function inOrder(
  runtimes: readonly Runtime[],
  platforms: readonly Platform[],
): readonly Runtime[] {
  const extra = runtimes.find(({ platform }) => !platforms.includes(platform));
  if (extra !== undefined)
    throw new UsageError(
      `A runtime image for ${extra.platform} was given, which the image shall not have (platforms: ${platforms.join(", ")}).`,
    );
  return platforms.map((platform) => {
    const [found, second] = runtimes.filter((runtime) => runtime.platform === platform);
    if (found === undefined)
      throw new CheckError(`There is no runtime image for ${platform}.`, {
        todo: `Build it (stage build, platforms: ${platform}) and assemble again.`,
      });
    if (second !== undefined && second.digest !== found.digest)
      throw new UsageError(
        `There are two runtime images for ${platform}: ${found.digest} and ${second.digest}.`,
      );
    return found;
  });
}

export async function readRuntime(runtime: Runtime): Promise<ReadRuntime> {
  const { platform, digest, store } = runtime;
  const manifest = await store.readManifest(digest);
  if (manifest === undefined)
    throw new CheckError(
      `${store.name} does not hold the runtime image ${digest} of ${platform}.`,
      {
        todo: "Run the stage build again.",
      },
    );
  const config = await readConfigBlob(manifest, store);
  return { ...runtime, image: { platform: parsePlatform(platform), manifest, config } };
}

/** Bytes; a config is some kilobytes of JSON. */
const longestConfig = 16 * 2 ** 20;

/** An image's config as it is; an IntegrityError if it is not JSON, or not as long as the manifest says. */
export async function readConfigBlob(manifest: Document, store: Store): Promise<ImageConfig> {
  const { config } = parseManifest(manifest);
  const bytes = await readBounded(store, config, longestConfig);
  try {
    return JSON.parse(bytes.toString("utf8")) as ImageConfig;
  } catch (cause) {
    throw new IntegrityError(`The config ${config.digest} of ${manifest.digest} is not JSON.`, {
      cause,
    });
  }
}

function variantOf(config: ImageConfig): { variant?: string } {
  return typeof config["variant"] === "string" ? { variant: config["variant"] } : {};
}
