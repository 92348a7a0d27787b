import { isDeepStrictEqual } from "node:util";
import type { ImageConfig } from "./assemble.ts";
import type { Digest } from "./digest.ts";
import type { Manifest } from "./manifest.ts";
import { names } from "./names.ts";

type Texts = Readonly<Record<string, string>>;

/**
 * Labels and annotations that tell of the run and not of what is in the image: the date, the month of a refresh, the tag it was made for,
 * and the digest of a base whose layers, if they are others, are told by the layers themselves.
 */
const ofTheRun: ReadonlySet<string> = new Set([
  names.created,
  names.refresh,
  "org.opencontainers.image.version",
  names.base.digest,
]);

/**
 * Whether an operator gets nothing by the new image of a platform: its manifest is the old one, or it has the same files, the same settings
 * and the same labels, apart from what only the run made different. How the layers came about (history) and how they are compressed says
 * nothing of what is in them. Pure.
 */
export function isUnchanged(old: Compared, now: Compared): boolean {
  if (old.digest === now.digest) return true;
  return (
    isDeepStrictEqual(contentOf(old.config), contentOf(now.config)) &&
    isDeepStrictEqual(lasting(old.manifest.annotations), lasting(now.manifest.annotations))
  );
}

interface Compared {
  readonly digest: Digest;
  readonly manifest: Pick<Manifest, "annotations">;
  readonly config: ImageConfig;
}

function contentOf({ created: _created, history: _history, config, ...rest }: ImageConfig): object {
  return { ...rest, config: { ...config, Labels: lasting(config?.Labels ?? {}) } };
}

function lasting(texts: Texts = {}): Texts {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !ofTheRun.has(name)));
}
