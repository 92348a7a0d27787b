import { z } from "zod";
import { RemoteError, UsageError } from "../errors.ts";
import { isLoopback } from "../images/loopback.ts";
import { exchange, type SigningPorts, unwanted } from "./exchange.ts";

/** Where a job gets tokens that say which workflow it runs (GitHub's documentation, "OpenID Connect"): only with `id-token: write`. */
export interface TokenSource {
  /** ACTIONS_ID_TOKEN_REQUEST_URL */
  readonly url: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN */
  readonly token: string;
}

/** A token for Sigstore and for nobody else; it lives for some minutes. */
export interface IdentityToken {
  readonly value: string;
  /** What Fulcio wants to see signed: the token's `sub`. */
  readonly subject: string;
  readonly claims: Claims;
}

const shape = z.looseObject({
  sub: z.string().min(1),
  iss: z.string().optional(),
  /** `public`, `private`, `internal` */
  repository_visibility: z.string().optional(),
  /** `owner/name/.github/workflows/file.yml@ref` of the workflow that the job is written in. */
  job_workflow_ref: z.string().optional(),
  /** Of the run: where a reusable workflow of another repository is called, the caller's. */
  repository: z.string().optional(),
  /** Of the run, such as `refs/heads/main`. */
  ref: z.string().optional(),
  run_id: z.string().optional(),
  run_attempt: z.string().optional(),
});
export type Claims = z.infer<typeof shape>;

const audience = "sigstore";

/** A token of this job with the audience `sigstore`, masked; a RemoteError where the runner gives none. */
export async function identityToken(
  source: TokenSource,
  ports: SigningPorts,
): Promise<IdentityToken> {
  ports.log.mask(source.token);
  const url = addressOf(source);
  url.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${source.token}` };
  const answer = await exchange({ method: "GET", url, headers }, ports);
  const { value } = (answer.json ?? {}) as { value?: unknown };
  if (answer.status !== 200 || typeof value !== "string" || value === "")
    throw unwanted(
      "The runner's token service",
      url,
      // What it answers with 200 may hold the token.
      answer.status === 200 ? { ...answer, said: "without a token" } : answer,
      "Give the job the permission `id-token: write`, or say `sign: off`.",
    );
  ports.log.mask(value);
  const claims = claimsOf(value);
  if (claims === undefined)
    throw new RemoteError(`The runner's token service at ${url.origin} gave what is no token.`);
  return { value, subject: claims.sub, claims };
}

function addressOf({ url: text }: TokenSource): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname)))
    return url;
  throw new UsageError(`ACTIONS_ID_TOKEN_REQUEST_URL: "${text}" is no address (https://…).`);
}

/** The payload of a JWT (RFC 7519); Fulcio checks its signature, not we. */
function claimsOf(token: string): Claims | undefined {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    return shape.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
