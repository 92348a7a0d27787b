import { IntegrityError, MissingBlobError, RemoteError } from "../../errors.ts";
import { type Digest, digestOf, isDigest } from "../../images/digest.ts";
import type { Document } from "../../images/manifest.ts";
import type { HttpResponse } from "../../ports/fetch.ts";
import { persist } from "../../retry/persist.ts";
import { mediaTypeOf } from "../media-type.ts";
import { faultsOf, type RegistryFault, refusal } from "./answer.ts";
import type { RegistryClient } from "./client.ts";
import { nextPage, type Page, readPages } from "./pages.ts";

const accept = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Registries themselves refuse manifests above 4 MiB (distribution specification, "Pushing Manifests"). */
const longestManifest = 16 * 1024 * 1024;

/** GET of a manifest by tag or digest; undefined if it is not there; an IntegrityError if it is not what its digest says. */
export async function getManifest(
  client: RegistryClient,
  reference: string,
): Promise<Document | undefined> {
  return await persist(async () => {
    const request = { method: "GET", to: `manifests/${reference}`, access: "pull" } as const;
    const response = await client.send({ ...request, headers: { accept } });
    if (response.status === 404) return await response.discard().then(() => undefined);
    if (response.status !== 200)
      throw await refusal({ ...request, url: client.url(request.to) }, response);
    const bytes = await readAll(response, client.url(request.to));
    const digest = digestOf(bytes);
    const wanted = isDigest(reference) ? reference : response.headers["docker-content-digest"];
    if (wanted !== undefined && isDigest(wanted) && wanted !== digest) {
      throw new IntegrityError(
        `${client.url(request.to).href}: the registry sent a manifest with the digest ${digest}, wanted was ${wanted}.`,
      );
    }
    return { mediaType: mediaTypeOf(bytes, response.headers["content-type"]), digest, bytes };
  }, client.ports);
}

/** HEAD of a manifest: its digest; undefined if it is not there. A registry that does not say it is asked for the bytes. */
export async function headManifest(
  client: RegistryClient,
  reference: string,
): Promise<Digest | undefined> {
  const request = { method: "HEAD", to: `manifests/${reference}`, access: "pull" } as const;
  const response = await client.send({ ...request, headers: { accept } });
  await response.discard();
  if (response.status === 404) return undefined;
  if (response.status !== 200)
    throw await refusal({ ...request, url: client.url(request.to) }, response, []);
  const digest = response.headers["docker-content-digest"];
  if (digest !== undefined && isDigest(digest)) return digest;
  return (await getManifest(client, reference))?.digest;
}

/** PUT of a manifest; a MissingBlobError where the registry misses something that it names. */
export async function putManifest(
  client: RegistryClient,
  { mediaType, digest, bytes }: Document,
  tag: string | undefined,
): Promise<void> {
  const request = {
    method: "PUT",
    to: `manifests/${tag ?? digest}`,
    access: "push",
    headers: { "content-type": mediaType },
    body: bytes,
  } as const;
  const response = await client.send(request);
  if (response.status === 201 || response.status === 200 || response.status === 202) {
    await response.discard();
    const kept = response.headers["docker-content-digest"];
    if (kept === undefined || kept === digest) return;
    throw new IntegrityError(
      `${client.url(request.to).href}: the registry kept ${kept} in place of ${digest}.`,
    );
  }
  const faults = await faultsOf(response);
  const error = await refusal({ ...request, url: client.url(request.to) }, response, faults);
  const missing = faults.filter(({ code }) => /^(MANIFEST_BLOB|BLOB|MANIFEST)_UNKNOWN$/.test(code));
  if (missing.length === 0) throw error;
  throw new MissingBlobError(
    `${client.url(request.to).href}: the registry misses what the manifest names.`,
    missing.flatMap(digestsIn).filter((found) => found !== digest),
    { cause: error },
  );
}

/** DELETE of a tag; false where the registry does not do that. */
export async function deleteTag(client: RegistryClient, tag: string): Promise<boolean> {
  const request = { method: "DELETE", to: `manifests/${tag}`, access: "delete" } as const;
  const response = await client.send(request);
  if ([400, 405, 501].includes(response.status)) return await response.discard().then(() => false);
  if ([200, 202, 204, 404].includes(response.status))
    return await response.discard().then(() => true);
  throw await refusal({ ...request, url: client.url(request.to) }, response);
}

/** A repository of many years has some ten thousand. */
const mostTags = 200_000;

/** The tags of the repository. */
export async function listTags(client: RegistryClient): Promise<readonly string[]> {
  const first = client.url("tags/list");
  return (await readPages(client, first, (url) => getTags(client, url), mostTags)) ?? [];
}

async function getTags(client: RegistryClient, url: URL): Promise<Page<string>> {
  const response = await client.send({ method: "GET", to: url, access: "pull" });
  if (response.status === 404) {
    await response.discard();
    return { entries: [], next: undefined };
  }
  if (response.status !== 200) throw await refusal({ method: "GET", url }, response);
  const { tags } = parseTags(await response.text(), url);
  return { entries: tags, next: nextPage(response, url, tags.length) };
}

function parseTags(text: string, url: URL): { tags: readonly string[] } {
  try {
    const { tags } = JSON.parse(text) as { tags?: unknown };
    if (tags === null || tags === undefined) return { tags: [] };
    if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) return { tags };
  } catch (cause) {
    throw new RemoteError(`${url.href}: the registry's list of tags is not JSON.`, { cause });
  }
  throw new RemoteError(
    `${url.href}: the registry's list of tags has another shape than specified.`,
  );
}

function digestsIn({ message, detail }: RegistryFault): readonly Digest[] {
  const text = `${JSON.stringify(detail ?? "")} ${message}`;
  return [...(text.match(/sha256:[0-9a-f]{64}/g) ?? [])].filter((found) => isDigest(found));
}

async function readAll(response: HttpResponse, url: URL): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body) {
    pieces.push(piece);
    size += piece.length;
    if (size > longestManifest)
      throw new IntegrityError(`${url.href}: longer than the 16 MiB that a manifest may have.`);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
