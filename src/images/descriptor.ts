import type { Digest } from "./digest.ts";

/** OCI image specification, descriptor.md. Unknown fields are kept. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: PlatformFields;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly [unknown: string]: unknown;
}

/** OCI image specification, image-index.md, "platform". */
export interface PlatformFields {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly [unknown: string]: unknown;
}

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  tar: "application/vnd.oci.image.layer.v1.tar",
  tarGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  tarZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  empty: "application/vnd.oci.empty.v1+json",
} as const;
