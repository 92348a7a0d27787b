import type { BlobSource } from "../images/blob.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import type { Document } from "../images/manifest.ts";

/** One repository: of a registry (distribution specification 1.1) or an OCI image layout on disk. Every call is safe to repeat. */
export interface Store {
  /** As a person writes it: `ghcr.io/nsn/director` or `oci:director-image`. */
  readonly name: string;
  /** Largest layer that the store takes, in bytes, where that is known (GHCR: 10 GB). */
  readonly layerLimit: number | undefined;

  /** Size in bytes of a blob that is there (one HEAD), else undefined. */
  blobSize(digest: Digest): Promise<number | undefined>;
  /** A blob's bytes from `from`, resumed where the connection breaks; an IntegrityError at its end if a whole read is not the digest. */
  readBlob(digest: Digest, from?: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Keeps a blob. It is there afterwards with exactly its digest and size, or the call throws and it is not. */
  putBlob(source: BlobSource, options?: PutBlobOptions): Promise<PutBlobResult>;
  /** Takes a blob from another repository of the same registry, given by its store's name; false where that is not possible. */
  mountBlob(digest: Digest, from: string): Promise<boolean>;

  /** A manifest or index by tag or digest; undefined if it is not there. Its bytes are checked against the digest. */
  readManifest(reference: string): Promise<Document | undefined>;
  /** Digest and media type only (one HEAD). */
  manifestDigest(reference: string): Promise<Digest | undefined>;
  /** Keeps a manifest under its digest, and under a tag where given. A `MissingBlobError` if the store lost a blob of it. */
  putManifest(manifest: Document, tag?: string): Promise<void>;
  /** Takes a tag away, not what it points at; false where the registry cannot. */
  removeTag(tag: string): Promise<boolean>;
  tags(): Promise<readonly string[]>;

  /**
   * What was attached to a manifest (distribution specification, "Listing Referrers"): by the registry's API, else by the tag
   * `sha256-<hex>`, whose words on artifact types and annotations are whatever its writers left there.
   */
  referrers(digest: Digest): Promise<readonly Descriptor[]>;
  /** Keeps a manifest that has a `subject`, and sees to it that `referrers` of that lists it, beside what others attach at the same time. */
  putReferrer(manifest: Document): Promise<void>;
}

export interface PutBlobOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the blob that the store has by now. */
  readonly onProgress?: (done: number) => void;
}

export interface PutBlobResult {
  readonly digest: Digest;
  readonly size: number;
  /** Bytes that went over the wire (or to the disk), re-sent ones included. */
  readonly bytesSent: number;
}
