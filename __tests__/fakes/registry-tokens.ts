import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fault, listen, stop, type Users } from "./registry-state.ts";

interface Auth extends Users {
  readonly scheme: "basic" | "bearer";
  /** Requests that a token is good for; without it, for ever. */
  readonly tokenRequests?: number;
}

interface TokenRequest {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly account: string | undefined;
  readonly service: string | undefined;
}

export interface TokenServer {
  readonly host: string;
  readonly auth: Auth | undefined;
  readonly requests: readonly TokenRequest[];
  /** What each token may do, and how often still. */
  readonly tokens: Map<string, { readonly scopes: readonly string[]; left: number }>;
  close(): Promise<void>;
}

/** The token server that a registry's Bearer challenge names, on a port of its own. */
export async function startTokenServer(auth: Auth | undefined): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const tokens: TokenServer["tokens"] = new Map();
  const server = createServer(async (request, response) => {
    const asked = await readRequest(request);
    requests.push(asked.seen);
    if (auth === undefined || !asked.mayHaveToken(auth))
      return fault(response, 401, "UNAUTHORIZED");
    const token = `token-${tokens.size + 1}`;
    tokens.set(token, {
      scopes: asked.seen.scopes,
      left: auth.tokenRequests ?? Number.POSITIVE_INFINITY,
    });
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  });
  return { host: await listen(server), auth, requests, tokens, close: () => stop(server) };
}

async function readRequest(request: IncomingMessage) {
  const url = new URL(request.url ?? "", "http://tokens");
  const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString("utf8"));
  const from = request.method === "POST" ? form : url.searchParams;
  const scopes = from.getAll("scope").flatMap((scope) => scope.split(" "));
  const seen: TokenRequest = {
    method: request.method ?? "",
    scopes,
    account: from.get("account") ?? undefined,
    service: from.get("service") ?? undefined,
  };
  const mayHaveToken = (users: Users) => {
    const { username, password, identityToken, anonymousPull, hidden = [] } = users;
    if (scopes.some((scope) => hidden.includes(scope.split(":")[1] ?? ""))) return false;
    if (request.method === "POST")
      return identityToken !== undefined && form.get("refresh_token") === identityToken;
    if (request.headers.authorization === basic(username, password)) return true;
    const reads = scopes.every((scope) => scope.endsWith(":pull"));
    return request.headers.authorization === undefined && anonymousPull === true && reads;
  };
  return { seen, mayHaveToken };
}

/** Whether a request to the registry brings what it must; else it is answered with a challenge. */
export function mayPass(
  request: IncomingMessage,
  response: ServerResponse,
  { auth, host, tokens }: TokenServer,
): boolean {
  if (auth === undefined) return true;
  const { method = "", url = "", headers } = request;
  const name =
    /^\/v2\/(.+)\/(?:blobs\/uploads|blobs|manifests|tags|referrers)\//.exec(url)?.[1] ?? "";
  const reads = method === "GET" || method === "HEAD";
  const action = reads ? "pull" : method === "DELETE" ? "delete" : "push";
  if (auth.scheme === "basic") {
    if (headers.authorization === basic(auth.username, auth.password)) return true;
    return challenge(request, response, 'Basic realm="a \\"quoted\\" realm"');
  }
  const token = tokens.get(headers.authorization?.replace(/^Bearer /, "") ?? "");
  const allowed = token?.scopes.some((scope) => {
    const [, repository, actions = ""] = scope.split(":");
    return repository === name && actions.split(",").includes(action);
  });
  if (token !== undefined && allowed && token.left > 0) {
    token.left -= 1;
    return true;
  }
  const scope = `repository:${name}:${action}`;
  return challenge(
    request,
    response,
    `Bearer realm="http://${host}/token",service="fake",scope="${scope}"`,
  );
}

function challenge(request: IncomingMessage, response: ServerResponse, header: string): false {
  request.resume();
  response.setHeader("www-authenticate", header);
  fault(response, 401, "UNAUTHORIZED");
  return false;
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
