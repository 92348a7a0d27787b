import type { ScanPredicate } from "../../attest/predicates.ts";
import type { Digest } from "../../images/digest.ts";
import type { Platform } from "../../images/platform.ts";
import type { AcceptResult } from "../../results/stages.ts";

/** A statement about this image that the trusted identity signed. */
export interface Signed<T> {
  /** The manifest that attaches it. */
  readonly referrer: Digest;
  /** What it is about: the index, and the platforms' manifests that it speaks of. */
  readonly subjects: readonly Digest[];
  /** When the transparency log took it; undefined where no log says it. */
  readonly signedAt: Date | undefined;
  readonly says: T;
}

/** What the statement of the assembly says. */
export interface Assembly {
  /** The runtime image of each platform. */
  readonly runtimes: readonly { readonly platform: Platform; readonly digest: Digest }[];
  /** The models image; undefined where none was written. */
  readonly models: Digest | undefined;
  /** Of the lock's file; undefined where no models are known. */
  readonly lock: Digest | undefined;
  /** Weight files, by `<name>/<path>`, with 64 hexadecimal digits. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
  /** Which models are in the image. */
  readonly delivery: "hybrid" | "bake" | "mount" | undefined;
  /** Why it was published without a scan or an acceptance. */
  readonly untested: { readonly reason: string; readonly missing: readonly string[] } | undefined;
}

export type Kind = "provenance" | "scan" | "acceptance" | "sbom";

/** Something attached that does not count, and why. */
export interface LeftAside {
  readonly referrer: Digest;
  /** Undefined where that cannot be told. */
  readonly kind: Kind | undefined;
  readonly reason: string;
}

/** What is attached to an image, sorted by what it says. */
export interface Statements {
  readonly provenance: readonly Signed<Assembly>[];
  readonly scan: readonly Signed<ScanPredicate>[];
  readonly acceptance: readonly Signed<AcceptResult>[];
  readonly sbom: readonly Signed<object>[];
  readonly leftAside: readonly LeftAside[];
}
