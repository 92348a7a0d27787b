import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Fault, intercept } from "./faults.ts";
import { handleManifest, serveReferrers, serveTags } from "./registry-manifests.ts";
import {
  fault,
  listen,
  type RegistryBehaviour,
  type RegistryState,
  type Repository,
  repositoryOf,
  type SeenRequest,
  seen,
  stop,
} from "./registry-state.ts";
import { serveStoredBlob, startStorage } from "./registry-storage.ts";
import { mayPass, startTokenServer, type TokenServer } from "./registry-tokens.ts";
import { handleUpload } from "./registry-uploads.ts";

export interface FakeRegistry {
  readonly host: string;
  readonly requests: readonly SeenRequest[];
  /** Requests that the blob storage on the other port has seen. */
  readonly storageRequests: readonly SeenRequest[];
  readonly tokens: TokenServer;
  repository(name: string): Repository;
  uploadsOpen(): number;
  close(): Promise<void>;
}

/** A registry of the distribution specification in memory, on a free port, that goes wrong where told to. */
export async function startRegistry(
  behaviour: RegistryBehaviour = {},
  faults: readonly Fault[] = [],
): Promise<FakeRegistry> {
  const state: RegistryState = {
    behaviour,
    repositories: new Map(),
    uploads: new Map(),
    forgotten: { count: 0 },
    lost: { count: 0 },
    hosts: { registry: "", storage: "", tokens: "" },
  };
  const requests: SeenRequest[] = [];
  const storageRequests: SeenRequest[] = [];
  const storage = await startStorage(state, storageRequests);
  const tokens = await startTokenServer(behaviour.auth);
  const server = createServer(
    intercept(faults)((request, response) => {
      if (!mayPass(request, response, tokens)) return;
      Promise.resolve(route(state, request, response)).catch(() => response.destroy());
    }),
  );
  server.prependListener("request", (request: IncomingMessage) => requests.push(seen(request)));
  state.hosts.registry = await listen(server);
  state.hosts.storage = storage.host;
  state.hosts.tokens = tokens.host;
  return {
    host: state.hosts.registry,
    requests,
    storageRequests,
    tokens,
    repository: (name) => repositoryOf(state, name),
    uploadsOpen: () => state.uploads.size,
    close: async () => {
      await Promise.all([stop(server), storage.close(), tokens.close()]);
    },
  };
}

function route(state: RegistryState, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? "", `http://${state.hosts.registry}`);
  const [, name = "", kind, rest = ""] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(url.pathname) ??
    [];
  const { method = "GET" } = request;
  if (url.pathname === "/v2/") return void response.writeHead(200).end("{}");
  if (state.behaviour.readOnly && method !== "GET" && method !== "HEAD") {
    request.resume();
    return fault(response, 403, "DENIED");
  }
  if (kind === "blobs/uploads")
    return handleUpload(state, { name, id: rest, url }, request, response);
  if (kind === "blobs") return serveBlob(state, name, rest, request, response);
  if (kind === "manifests") return handleManifest(state, name, rest, request, response);
  if (kind === "tags") return serveTags(repositoryOf(state, name), name, url, response);
  if (kind === "referrers" && state.behaviour.referrers)
    return serveReferrers(repositoryOf(state, name), name, { digest: rest, url }, response);
  fault(response, 404, "NAME_UNKNOWN");
}

function serveBlob(
  state: RegistryState,
  name: string,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { head, claims, redirectBlobs } = state.behaviour;
  const bytes = repositoryOf(state, name).blobs.get(digest);
  const claimed = claims?.[digest];
  if (request.method === "HEAD" && claimed !== undefined)
    return void response.writeHead(200, { "content-length": claimed }).end();
  if (request.method === "HEAD" && head === "without-length" && bytes !== undefined)
    return void response.writeHead(200, { "transfer-encoding": "chunked" }).end();
  if (bytes === undefined) return fault(response, 404, "BLOB_UNKNOWN", { digest });
  if (redirectBlobs) {
    const location = `http://${state.hosts.storage}/${name}/${digest}?signature=a%2Bb`;
    return void response.writeHead(307, { location }).end();
  }
  serveStoredBlob(bytes, request, response);
}
