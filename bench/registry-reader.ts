import { createHash } from "node:crypto";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Bytes that manifests and the config have at most, which come beside the layers. */
export const documents = 100_000;

/** Raw layers are ours: weights, and the lock's tiny one. */
export function isWeights({ mediaType }: Descriptor): boolean {
  return mediaType.endsWith(".tar");
}

const accept = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
].join(", ");

/** A repository of a registry on loopback, spoken to as plainly as can be: what is measured must not measure itself. */
export class Repository {
  readonly #base: string;

  constructor(address: string, name: string) {
    this.#base = `http://${address}/v2/${name}`;
  }

  /** An image's manifest, by tag or digest; of an index, the first platform's. */
  async manifest(reference: string): Promise<ImageManifest> {
    const found = await this.#json(`manifests/${reference}`);
    const { manifests } = found as { manifests?: readonly Descriptor[] };
    const [first] = manifests ?? [];
    return first === undefined ? (found as ImageManifest) : this.manifest(first.digest);
  }

  config(digest: string): Promise<unknown> {
    return this.#json(`blobs/${digest}`);
  }

  blobUrl(digest: string): string {
    return `${this.#base}/blobs/${digest}`;
  }

  /** Writes a config and the manifest that names it, under a tag. */
  async putImage(tag: string, config: object, manifest: ImageManifest): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(config));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const begun = await checked(fetch(`${this.#base}/blobs/uploads/`, { method: "POST" }));
    const upload = new URL(begun.headers.get("location") ?? "", this.#base);
    upload.searchParams.set("digest", digest);
    await checked(fetch(upload, { method: "PUT", body: bytes }));
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const named = { ...manifest.config, digest, size: bytes.length };
    await checked(
      fetch(`${this.#base}/manifests/${tag}`, {
        method: "PUT",
        headers: { "content-type": mediaType },
        body: JSON.stringify({
          schemaVersion: 2,
          mediaType,
          config: named,
          layers: manifest.layers,
        }),
      }),
    );
  }

  async #json(path: string): Promise<unknown> {
    const response = await checked(fetch(`${this.#base}/${path}`, { headers: { accept } }));
    return response.json();
  }
}

async function checked(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}
