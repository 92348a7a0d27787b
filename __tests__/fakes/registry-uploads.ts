import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { digestOf } from "../../src/images/digest.ts";
import { fault, type RegistryState, repositoryOf, type Upload } from "./registry-state.ts";

interface At {
  readonly name: string;
  readonly id: string;
  readonly url: URL;
}

/** The requests to `/v2/<name>/blobs/uploads/`. */
export function handleUpload(
  state: RegistryState,
  at: At,
  request: IncomingMessage,
  response: ServerResponse,
) {
  if (request.method === "POST") return begin(state, at, request, response);
  const upload = state.uploads.get(at.id);
  if (upload === undefined) {
    request.resume();
    return fault(response, 404, "BLOB_UPLOAD_UNKNOWN");
  }
  if (request.method === "PATCH") return patch(state, at, upload, request, response);
  if (request.method === "PUT") return finish(state, at, upload, request, response);
  if (request.method === "GET") return status(state, at, upload, response);
  state.uploads.delete(at.id);
  response.writeHead(204).end();
}

function begin(
  state: RegistryState,
  { name, url }: At,
  request: IncomingMessage,
  response: ServerResponse,
) {
  request.resume();
  const digest = url.searchParams.get("mount");
  const from = url.searchParams.get("from");
  const { mount = "created", leastChunk } = state.behaviour;
  if (digest !== null && from !== null) {
    if (mount === "refused") return fault(response, 405, "UNSUPPORTED");
    const bytes = repositoryOf(state, from).blobs.get(digest);
    if (mount === "created" && bytes !== undefined) {
      repositoryOf(state, name).blobs.set(digest, bytes);
      return void response.writeHead(201, { "docker-content-digest": digest }).end();
    }
  }
  const id = randomUUID();
  state.uploads.set(id, { pieces: [], size: 0, firstEnd: 0, broken: false });
  const least = leastChunk === undefined ? {} : { "oci-chunk-min-length": String(leastChunk) };
  response.writeHead(202, { location: place(state, name, id), range: "0-0", ...least }).end();
}

/** The place of an upload, written anew (and differently) with every answer. */
function place({ behaviour, hosts }: RegistryState, name: string, id: string): string {
  const path = `/v2/${name}/blobs/uploads/${id}`;
  if (behaviour.location === "absolute") return `http://${hosts.registry}${path}`;
  if (behaviour.location === "query") return `${path}?_state=${randomUUID()}%3D%2B`;
  if (behaviour.location === "other-host")
    return `http://localhost:${hosts.registry.split(":")[1]}${path}`;
  return path;
}

function patch(
  state: RegistryState,
  { name, id }: At,
  upload: Upload,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const range = /^(\d+)-(\d+)$/.exec(request.headers["content-range"] ?? "");
  const length = range === null ? 0 : Number(range[2]) - Number(range[1]) + 1;
  const { longestRangedPatch = Number.POSITIVE_INFINITY } = state.behaviour;
  if (range !== null && (length > longestRangedPatch || Number(range[1]) !== upload.size)) {
    request.resume();
    return fault(response, 416, "RANGE_INVALID");
  }
  request.on("data", (piece: Buffer) => {
    upload.pieces.push(piece);
    upload.size += piece.length;
    if (upload.firstEnd === 0) upload.firstEnd = upload.size;
  });
  request.on("error", () => {
    upload.broken = true;
  });
  request.on("end", () => {
    const headers = {
      location: place(state, name, id),
      range: `0-${Math.max(0, upload.size - 1)}`,
    };
    response.writeHead(202, headers).end();
  });
}

function status(state: RegistryState, { name, id }: At, upload: Upload, response: ServerResponse) {
  const { uploadStatus = "honest" } = state.behaviour;
  if (uploadStatus === "gone" && upload.broken) return fault(response, 404, "BLOB_UPLOAD_UNKNOWN");
  const size = uploadStatus === "sticky" ? upload.firstEnd : upload.size;
  const headers = { location: place(state, name, id), range: `0-${Math.max(0, size - 1)}` };
  response.writeHead(204, headers).end();
}

async function finish(
  state: RegistryState,
  { name, id, url }: At,
  upload: Upload,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const bytes = Buffer.concat([...upload.pieces, ...(await request.toArray())]);
  state.uploads.delete(id);
  if (state.forgotten.count < (state.behaviour.forgetUploads ?? 0)) {
    state.forgotten.count += 1;
    return fault(response, 404, "BLOB_UPLOAD_UNKNOWN");
  }
  const digest = url.searchParams.get("digest") ?? "";
  if (digestOf(bytes) !== digest) return fault(response, 400, "DIGEST_INVALID", { digest });
  repositoryOf(state, name).blobs.set(digest, bytes);
  response.writeHead(201, { "docker-content-digest": digest }).end();
}
