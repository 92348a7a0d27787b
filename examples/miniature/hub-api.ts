import type { IncomingMessage, ServerResponse } from "node:http";
import type { HubFile, HubRepository, RepositoryReader } from "./repository.ts";
import { serveFile } from "./serve-file.ts";

export interface HubContext {
  readonly reader: RepositoryReader;
  /** Address of the storage host. */
  readonly cdn: string;
  /** Repositories whose files need the token. */
  readonly gated: readonly string[];
  readonly token: string | undefined;
}

/**
 * Answers as the hub: `/api/models/<repository>/revision/<revision>` describes a repository,
 * `…/tree/<revision>` lists its files (all of them, in one page), `/<repository>/resolve/…` finds one.
 */
export async function hubAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  context: HubContext,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://hub");
  const [, name = "", view = "revision", revision = "main", path = ""] =
    /^\/api\/models\/([^/]+\/[^/]+)(?:\/(revision|tree)\/([^/]+))?$/.exec(pathname) ??
    /^\/([^/]+\/[^/]+)\/(resolve)\/([^/]+)\/(.+)$/.exec(pathname) ??
    [];
  if (request.method !== "GET" && request.method !== "HEAD")
    return refuse(response, 405, "MethodNotAllowed", "Method not allowed");
  const repository = await context.reader.read(name);
  if (repository === undefined)
    return refuse(response, 404, "RepoNotFound", "Repository not found");
  if (revision !== "main" && revision !== repository.commit)
    return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
  if (view === "tree") return json(response, tree(repository));
  if (view === "revision") {
    const siblings = searchParams.has("blobs") ? described(repository) : named(repository);
    const gated = context.gated.includes(name) ? "auto" : false;
    const about = { id: name, modelId: name, sha: repository.commit, private: false, gated };
    return json(response, { ...about, siblings });
  }
  const refusal = gate(name, request.headers.authorization, context);
  if (refusal !== undefined) return refuse(response, refusal.status, "GatedRepo", refusal.message);
  const file = repository.files.find((one) => one.path === decodeURIComponent(path));
  if (file === undefined) return refuse(response, 404, "EntryNotFound", "Entry not found");
  const { commit } = repository;
  return await resolve(request, response, { name, file, commit, cdn: context.cdn });
}

/** Answers as the storage host, which takes signed addresses and no other credential. */
export async function storageAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  reader: RepositoryReader,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://cdn");
  if (request.headers.authorization !== undefined) {
    const message = "Only one auth mechanism allowed: the signed address, or Authorization";
    return refuse(response, 400, "InvalidArgument", message);
  }
  const [, name = "", path = ""] = /^\/cdn\/([^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
  const repository = await reader.read(name);
  const file = repository?.files.find((one) => one.path === decodeURIComponent(path));
  if (file?.lfs === undefined || searchParams.get("sha256") !== file.lfs.sha256)
    return refuse(response, 403, "AccessDenied", "Access denied");
  return await serveFile(request, response, { ...file, etag: `"${file.lfs.sha256}"` });
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Error-Code": code,
    "X-Error-Message": message,
  });
  response.end(message);
}

function gate(name: string, authorization: string | undefined, { gated, token }: HubContext) {
  if (!gated.includes(name)) return;
  if (token !== undefined && authorization === `Bearer ${token}`) return;
  const restricted = `Access to model ${name} is restricted`;
  if (authorization !== undefined)
    return { status: 403, message: `${restricted} and you are not in the authorized list.` };
  const message = `${restricted}. You must have access to it and be authenticated to access it. Please log in.`;
  return { status: 401, message };
}

function named({ files }: HubRepository) {
  return files.map(({ path }) => ({ rfilename: path }));
}

function described({ files }: HubRepository) {
  return files.map(({ path, size, blobId, lfs }) => ({
    rfilename: path,
    blobId,
    size,
    ...(lfs === undefined ? {} : { lfs: { size, ...lfs } }),
  }));
}

function tree({ files }: HubRepository) {
  return files.map(({ path, size, blobId, lfs }) => ({
    type: "file",
    path,
    oid: blobId,
    size,
    ...(lfs === undefined ? {} : { lfs: { oid: lfs.sha256, size, pointerSize: lfs.pointerSize } }),
  }));
}

interface Resolved {
  readonly name: string;
  readonly file: HubFile;
  readonly commit: string;
  readonly cdn: string;
}

/** Small files come from the hub itself; Git LFS objects by a redirect to the storage host. */
async function resolve(
  request: IncomingMessage,
  response: ServerResponse,
  { name, file, commit, cdn }: Resolved,
): Promise<void> {
  const headers = { "X-Repo-Commit": commit };
  if (file.lfs === undefined)
    return await serveFile(request, response, { ...file, etag: `"${file.blobId}"` }, headers);
  const { sha256 } = file.lfs;
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  response.writeHead(302, {
    ...headers,
    Location: `${cdn}/cdn/${name}/${path}?sha256=${sha256}`,
    "Accept-Ranges": "bytes",
    "X-Linked-Size": file.size,
    "X-Linked-Etag": `"${sha256}"`,
    ETag: `"${sha256}"`,
  });
  response.end();
}
