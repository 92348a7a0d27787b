import type { IncomingMessage, ServerResponse } from "node:http";
import { digestOf } from "../../src/images/digest.ts";
import { fault, type RegistryState, type Repository, repositoryOf } from "./registry-state.ts";

/** The requests to `/v2/<name>/manifests/`. */
export function handleManifest(
  state: RegistryState,
  name: string,
  reference: string,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { manifests, tags } = repositoryOf(state, name);
  if (request.method === "PUT") return putManifest(state, name, reference, request, response);
  const digest = tags.get(reference) ?? reference;
  const found = manifests.get(digest);
  if (request.method === "DELETE") {
    if (!tags.delete(reference)) return fault(response, 404, "MANIFEST_UNKNOWN");
    return void response.writeHead(202).end();
  }
  if (found === undefined) return fault(response, 404, "MANIFEST_UNKNOWN");
  response.writeHead(200, {
    "content-type": found.type,
    "content-length": found.bytes.length,
    "docker-content-digest": digest,
  });
  response.end(request.method === "HEAD" ? undefined : found.bytes);
}

async function putManifest(
  state: RegistryState,
  name: string,
  reference: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { blobs, manifests, tags } = repositoryOf(state, name);
  const bytes = Buffer.concat(await request.toArray());
  const {
    config,
    layers = [],
    manifests: children = [],
    subject,
  } = JSON.parse(bytes.toString("utf8"));
  if (layers.length > 0 && state.lost.count < (state.behaviour.loseLayers ?? 0)) {
    state.lost.count += 1;
    blobs.delete(layers[0].digest);
  }
  const wanted: { digest: string }[] = [...(config === undefined ? [] : [config]), ...layers];
  const lacking =
    wanted.find(({ digest }) => !blobs.has(digest)) ??
    children.find(({ digest }: { digest: string }) => !manifests.has(digest));
  if (lacking !== undefined)
    return fault(response, 404, "MANIFEST_BLOB_UNKNOWN", { digest: lacking.digest });
  const digest = digestOf(bytes);
  manifests.set(digest, { type: request.headers["content-type"] ?? "", bytes });
  if (!reference.startsWith("sha256:")) tags.set(reference, digest);
  const listed = state.behaviour.referrers && subject !== undefined;
  const headers = listed ? { "oci-subject": subject.digest } : {};
  response.writeHead(201, { "docker-content-digest": digest, ...headers }).end();
}

/** Two referrers a page, so that every client must follow the links. */
export function serveReferrers(
  { manifests }: Repository,
  name: string,
  { digest, url }: { readonly digest: string; readonly url: URL },
  response: ServerResponse,
) {
  const all = [...manifests.entries()].flatMap(([own, { type, bytes }]) => {
    const { subject, artifactType, annotations } = JSON.parse(bytes.toString("utf8"));
    const entry = { mediaType: type, digest: own, size: bytes.length, artifactType, annotations };
    return subject?.digest === digest ? [entry] : [];
  });
  const from = Number(url.searchParams.get("from") ?? 0);
  const more = from + 2 < all.length;
  const link = `</v2/${name}/referrers/${digest}?from=${from + 2}>; rel="next"`;
  const type = "application/vnd.oci.image.index.v1+json";
  response.writeHead(200, { "content-type": type, ...(more ? { link } : {}) });
  const page = { schemaVersion: 2, mediaType: type, manifests: all.slice(from, from + 2) };
  response.end(JSON.stringify(page));
}

/** Two tags a page, so that every client must follow the links. */
export function serveTags({ tags }: Repository, name: string, url: URL, response: ServerResponse) {
  const all = [...tags.keys()].sort();
  const from = all.findIndex((tag) => tag > (url.searchParams.get("last") ?? ""));
  const page = from === -1 ? [] : all.slice(from, from + 2);
  const last = page.at(-1);
  const more = last !== undefined && last !== all.at(-1);
  const link = more ? { link: `</v2/${name}/tags/list?n=2&last=${last}>; rel="next"` } : {};
  response.writeHead(200, { "content-type": "application/json", ...link });
  response.end(JSON.stringify({ name, tags: page }));
}
