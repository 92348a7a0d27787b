import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Users {
  readonly username: string;
  readonly password: string;
  /** Pulling needs no log-in. */
  readonly anonymousPull?: boolean;
  /** Repositories for which the user gets no token. */
  readonly hidden?: readonly string[];
  /** An identity token that the token server takes in place of the password. */
  readonly identityToken?: string;
}

/** How the registry behaves; by default like distribution 3. */
export interface RegistryBehaviour {
  /** Blobs are answered with a 307 to another port, which refuses any Authorization. */
  readonly redirectBlobs?: boolean;
  /** What a mount gets: 201, 202, or 405. */
  readonly mount?: "created" | "accepted" | "refused";
  /** What the status of an upload says after a break: the truth, the first piece's end for ever, or 404. */
  readonly uploadStatus?: "honest" | "sticky" | "gone";
  /** A PATCH with a Content-Range above this is answered with 416. */
  readonly longestRangedPatch?: number;
  readonly leastChunk?: number;
  /** How the place of an upload is written. */
  readonly location?: "relative" | "absolute" | "query" | "other-host";
  /** So many uploads are forgotten when they are to be ended. */
  readonly forgetUploads?: number;
  /** So many times a manifest's first layer is gone when the manifest comes. */
  readonly loseLayers?: number;
  /** Pushing is answered with 403. */
  readonly readOnly?: boolean;
  /** Has the API for referrers, two a page, and says so of a manifest with a subject. */
  readonly referrers?: boolean;
  /** HEAD of a blob: without a length. */
  readonly head?: "without-length";
  /** Bytes of blobs that HEAD says are there, whether they are or not. */
  readonly claims?: Readonly<Record<string, number>>;
  readonly auth?: Users & { readonly scheme: "basic" | "bearer"; readonly tokenRequests?: number };
}

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly contentRange: string | undefined;
}

export interface Upload {
  pieces: Buffer[];
  size: number;
  /** Where the first piece of all ended. */
  firstEnd: number;
  /** A PATCH of it broke. */
  broken: boolean;
}

export interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  readonly tags: Map<string, string>;
}

export interface RegistryState {
  readonly behaviour: RegistryBehaviour;
  readonly repositories: Map<string, Repository>;
  readonly uploads: Map<string, Upload>;
  readonly forgotten: { count: number };
  readonly lost: { count: number };
  /** `127.0.0.1:PORT` of the registry, the blob storage and the token server. */
  readonly hosts: { registry: string; storage: string; tokens: string };
}

export function seen({ method = "", url = "", headers }: IncomingMessage): SeenRequest {
  return {
    method,
    url,
    authorization: headers.authorization,
    contentRange: headers["content-range"],
  };
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export function repositoryOf({ repositories }: RegistryState, name: string): Repository {
  const found = repositories.get(name) ?? {
    blobs: new Map(),
    manifests: new Map(),
    tags: new Map(),
  };
  repositories.set(name, found);
  return found;
}

export function fault(
  response: ServerResponse,
  status: number,
  code: string,
  detail: unknown = {},
): void {
  const message = code.toLowerCase().replaceAll("_", " ");
  const body = JSON.stringify({ errors: [{ code, message, detail }] });
  response.writeHead(status, { "content-type": "application/json" });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
