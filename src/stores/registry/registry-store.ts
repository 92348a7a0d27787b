import { parsePlace, placeName, type RegistryReference } from "../../images/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Fetch } from "../../ports/fetch.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import { resumedRead } from "../resumed-read.ts";
import { getBlob, headBlob } from "./blob-read.ts";
import { registryClient } from "./client.ts";
import { type Credential, dockerCredential } from "./docker-config.ts";
import { deleteTag, getManifest, headManifest, listTags, putManifest } from "./manifests.ts";
import { registryOrigin } from "./origin.ts";
import { listReferrers, putReferrer } from "./referrers.ts";
import { uploadBlob } from "./upload.ts";
import { mountOrBegin, type UploadSession } from "./upload-session.ts";
import { uploadsInTime } from "./uploads-in-time.ts";

export interface RegistryOptions {
  /** For one registry (as in a reference: `ghcr.io`) and no other. */
  readonly login?: {
    readonly registry: string;
    readonly username: string;
    readonly password: string;
  };
  /** The folder of Docker's config.json, where no `login` fits; without it, nobody's log-ins are read. */
  readonly dockerConfig?: string;
  /** Plain HTTP also off loopback. */
  readonly plainHttp?: boolean;
  /** Bytes a PATCH, for registries or proxies that take no long request; by default a blob is one PATCH. */
  readonly chunkSize?: number;
}

export interface RegistryPorts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
  readonly files: Pick<Files, "readFile">;
  readonly exec: Exec;
  /** Aborted when the run is told to stop: nobody waits for a credential helper then. */
  readonly signal?: AbortSignal;
}

/** What registries are known to limit: bytes of a layer and seconds of an upload. GHCR documents 10 GB and ten minutes. */
const limits: Readonly<Record<string, { readonly layer: number; readonly upload: number }>> = {
  "ghcr.io": { layer: 10_000_000_000, upload: 600 },
};

/** One repository of a registry that speaks the distribution specification 1.1. */
export function registryStore(
  { registry, repository }: Pick<RegistryReference, "registry" | "repository">,
  options: RegistryOptions,
  ports: RegistryPorts,
): Store {
  const origin = registryOrigin(registry, options.plainHttp);
  const client = registryClient(origin, repository, {
    ...ports,
    credential: () => credentialFor(registry, options, ports),
  });
  const name = placeName({ kind: "registry", registry, repository });
  const begun = new Map<string, UploadSession>();
  const store: Store = {
    name,
    layerLimit: limits[registry]?.layer,
    blobSize: (digest) => headBlob(client, digest),
    readBlob: (digest, from = 0, signal) =>
      resumedRead(
        (at) => getBlob(client, digest, at, signal),
        { name, digest, from },
        client.ports,
        signal,
      ),
    putBlob: async (source, more = {}) => {
      const key = source.digest ?? "";
      const session = begun.get(key);
      begun.delete(key);
      return await uploadBlob(client, source, {
        ...more,
        begun: session,
        chunkSize: options.chunkSize,
      });
    },
    mountBlob: async (digest, from) => {
      const source = parsePlace(from);
      if (source.kind !== "registry" || source.registry !== registry) return false;
      const answer = await mountOrBegin(client, digest, source.repository);
      if (typeof answer === "object") begun.set(digest, answer);
      return answer === true;
    },
    readManifest: (reference) => getManifest(client, reference),
    manifestDigest: (reference) => headManifest(client, reference),
    putManifest: (manifest, tag) => putManifest(client, manifest, tag),
    removeTag: (tag) => deleteTag(client, tag),
    tags: () => listTags(client),
    referrers: (digest) => listReferrers(client, digest),
    putReferrer: (manifest) => putReferrer(client, manifest),
  };
  return uploadsInTime(store, limits[registry]?.upload, ports.clock);
}

async function credentialFor(
  registry: string,
  { login, dockerConfig }: RegistryOptions,
  ports: RegistryPorts,
): Promise<Credential | undefined> {
  if (login !== undefined && login.registry === registry)
    return { kind: "password", username: login.username, password: login.password };
  return dockerConfig === undefined
    ? undefined
    : await dockerCredential(registry, dockerConfig, ports);
}
