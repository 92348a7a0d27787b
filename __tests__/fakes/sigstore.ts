import {
  createHash,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  randomUUID,
  verify,
  X509Certificate,
} from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fulcioHandler } from "@sigstore/mock";
import type { TokenSource } from "../../src/sigstore/token.ts";
import { type Fault, intercept } from "./faults.ts";
import { listen, type SeenRequest, seen, stop } from "./registry-state.ts";
import { type Authorities, authorities } from "./signing.ts";

/** What a job's token says; see GitHub's documentation, "OpenID Connect reference". */
export interface JobClaims {
  readonly repository?: string;
  readonly workflow?: string;
  readonly ref?: string;
  readonly sha?: string;
  readonly visibility?: string;
  /** Repository, and branch or tag, of the run where a reusable workflow of another one is called. */
  readonly caller?: { readonly repository: string; readonly ref: string } | undefined;
  /** Seconds that a token lives. */
  readonly lives?: number;
}

export interface FakeSigstore {
  readonly fulcio: URL;
  readonly rekor: URL;
  /** As trusted_root.json has it. */
  readonly root: object;
  readonly source: TokenSource;
  /** What each of the three servers has seen: their own, and no other's. */
  readonly requests: Readonly<Record<"tokens" | "fulcio" | "rekor", readonly Seen[]>>;
  /** Every token that was given out. */
  readonly tokens: readonly string[];
  close(): Promise<void>;
}

interface Seen extends SeenRequest {
  readonly body: string;
}

export const issuer = "https://token.actions.githubusercontent.com";
const bearer = "the-jobs-request-token";
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The three parties of keyless signing on loopback, each on a port of its own, which refuse what the real ones refuse. */
export async function startSigstore(
  claims: JobClaims = {},
  faults: Readonly<Partial<Record<"tokens" | "fulcio" | "rekor", readonly Fault[]>>> = {},
): Promise<FakeSigstore> {
  const trusted = await authorities();
  const tokens: string[] = [];
  const give = () => {
    const token = jwt(claims);
    tokens.push(token);
    return token;
  };
  const parties = {
    tokens: party((request) => giveToken(request, give), faults.tokens),
    fulcio: party((request) => certify(request, trusted), faults.fulcio),
    rekor: party((request) => log(request, trusted), faults.rekor),
  };
  const hosts = {
    tokens: await listen(parties.tokens.server),
    fulcio: await listen(parties.fulcio.server),
    rekor: await listen(parties.rekor.server),
  };
  return {
    fulcio: new URL(`http://${hosts.fulcio}`),
    rekor: new URL(`http://${hosts.rekor}`),
    root: trusted.root,
    source: { url: `http://${hosts.tokens}/token?api-version=2.0`, token: bearer },
    requests: {
      tokens: parties.tokens.requests,
      fulcio: parties.fulcio.requests,
      rekor: parties.rekor.requests,
    },
    tokens,
    close: async () => {
      await Promise.all(Object.values(parties).map(({ server }) => stop(server)));
    },
  };
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

function party(answer: (request: Seen) => Reply | Promise<Reply>, faults: readonly Fault[] = []) {
  const requests: Seen[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray()).toString("utf8");
    const known = { ...seen(request), body };
    requests.push(known);
    const { status, body: said } = await answer(known);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(said));
  };
  const server = createServer(
    intercept(faults)((request, response) => {
      handle(request, response).catch(() => response.destroy());
    }),
  );
  return { server, requests };
}

function giveToken({ url, authorization }: Seen, give: () => string): Reply {
  const { searchParams } = new URL(url, "http://tokens");
  if (authorization !== `Bearer ${bearer}`) return refused(401, "wrong bearer");
  if (searchParams.get("api-version") !== "2.0") return refused(400, "no api-version");
  if (searchParams.get("audience") !== "sigstore") return refused(400, "wrong audience");
  return { status: 200, body: { value: give() } };
}

async function certify({ method, url, body }: Seen, { ca }: Authorities): Promise<Reply> {
  if (method !== "POST" || url !== "/api/v2/signingCert") return refused(404, "no such thing");
  const { credentials, publicKeyRequest } = JSON.parse(body);
  const token = String(credentials.oidcIdentityToken);
  const claims = claimsIn(token);
  if (claims === undefined) return refused(400, "There was an error processing the identity token");
  const key = createPublicKey(publicKeyRequest.publicKey.content);
  const proof = Buffer.from(publicKeyRequest.proofOfPossession, "base64");
  if (!verify("sha256", Buffer.from(claims.sub), key, proof))
    return refused(400, "The signature supplied in the request could not be verified");
  // The certificate's subject is the workflow, as Fulcio makes it for GitHub's tokens.
  const { fn } = fulcioHandler(ca, { subjectClaim: "workflow_uri" });
  const { statusCode, response } = await fn(body);
  return { status: statusCode, body: JSON.parse(response.toString()) };
}

async function log({ method, url, body }: Seen, { tlog }: Authorities): Promise<Reply> {
  if (method !== "POST" || url !== "/api/v1/log/entries") return refused(404, "no such thing");
  const { kind, apiVersion, spec } = JSON.parse(body);
  if (kind !== "dsse" || apiVersion !== "0.0.1") return refused(400, "unknown kind");
  const { envelope: text, verifiers } = spec.proposedContent;
  const { payload: encoded, payloadType, signatures } = JSON.parse(text);
  const pem = Buffer.from(verifiers[0], "base64").toString("utf8");
  const payload = Buffer.from(encoded, "base64");
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  const signed = createVerify("sha256").update(head).update(payload);
  if (!signed.verify(new X509Certificate(pem).publicKey, signatures[0].sig, "base64"))
    return refused(400, "could not verify envelope");
  const sha256 = (bytes: string | Buffer) => ({
    algorithm: "sha256",
    value: createHash("sha256").update(bytes).digest("hex"),
  });
  const entry = {
    ...{ apiVersion, kind },
    spec: {
      envelopeHash: sha256(text),
      payloadHash: sha256(payload),
      signatures: [{ signature: signatures[0].sig, verifier: verifiers[0] }],
    },
  };
  return { status: 201, body: await tlog.log(entry as Parameters<typeof tlog.log>[0]) };
}

function refused(status: number, message: string): Reply {
  return { status, body: { code: status, message } };
}

/** A token as GitHub's service signs them (RS256). */
function jwt({
  repository = "nsn/director",
  workflow = ".github/workflows/director-image.yml",
  ref = "refs/heads/main",
  sha = "1".repeat(40),
  visibility = "public",
  lives = 300,
  caller = { repository, ref },
}: JobClaims): string {
  const now = Math.floor(Date.now() / 1000);
  const workflowRef = `${repository}/${workflow}@${ref}`;
  const claims = {
    ...{ iss: issuer, aud: "sigstore", iat: now, exp: now + lives, jti: randomUUID() },
    sub: `repo:${caller.repository}:ref:${caller.ref}`,
    ...{ ...caller, sha, repository_visibility: visibility },
    ...{ repository_owner: caller.repository.split("/")[0], event_name: "push" },
    ...{ workflow: "Director image", workflow_ref: workflowRef, workflow_sha: sha },
    ...{ job_workflow_ref: workflowRef, job_workflow_sha: sha },
    ...{ runner_environment: "github-hosted", run_id: "42", run_attempt: "1" },
    workflow_uri: `https://github.com/${workflowRef}`,
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  const signature = createSign("sha256").update(signed).sign(keys.privateKey, "base64url");
  return `${signed}.${signature}`;
}

function claimsIn(token: string): { readonly sub: string } | undefined {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const isOurs = createVerify("sha256")
    .update(`${head}.${payload}`)
    .verify(keys.publicKey, signature, "base64url");
  if (!isOurs) return undefined;
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  const { aud, iss, exp } = claims;
  return aud === "sigstore" && iss === issuer && exp * 1000 > Date.now() ? claims : undefined;
}
