import { RemoteError } from "../../errors.ts";
import type { Digest } from "../../images/digest.ts";
import type { HttpRequest, HttpResponse } from "../../ports/fetch.ts";
import { isBusy, PassingError, retryAfter } from "../../retry/passing.ts";
import { faultsOf, refusal } from "./answer.ts";
import type { RegistryClient } from "./client.ts";

/** An upload that a registry has begun (distribution specification, "Pushing blobs"). */
export interface UploadSession {
  readonly location: URL;
  /** `OCI-Chunk-Min-Length`, in bytes. */
  readonly leastChunk: number | undefined;
}

/** An answer to an upload that another try may mend. */
export class UploadBroken extends PassingError {
  readonly status: number;
  /** The registry has lost the upload, or its idea of it is not ours: nothing to go on from. */
  readonly lost: boolean;

  constructor(
    message: string,
    { status, lost, wait }: { status: number; lost: boolean; wait?: number | undefined },
  ) {
    super(message, { wait });
    this.status = status;
    this.lost = lost;
  }
}

/** A registry that hashes what it was given before it answers may take this long. */
const commitTimeout = 600_000;

/** POST: a new upload. */
export async function beginUpload(
  client: RegistryClient,
  signal?: AbortSignal,
): Promise<UploadSession> {
  const request = {
    method: "POST",
    to: "blobs/uploads/",
    access: "push",
    ...optional(signal),
  } as const;
  const response = await client.send({ ...request, headers: { "content-length": "0" } });
  const url = client.url(request.to);
  if (response.status !== 202) throw await refusal({ method: "POST", url }, response);
  await response.discard();
  return sessionAfter(response, url);
}

/** POST with `mount`: true where the blob is there now, else the upload that the registry began, or false. */
export async function mountOrBegin(
  client: RegistryClient,
  digest: Digest,
  from: string,
): Promise<true | UploadSession | false> {
  const to = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const request = { method: "POST", to, access: "push", from } as const;
  try {
    const response = await client.send({ ...request, headers: { "content-length": "0" } });
    await response.discard();
    if (response.status === 201) return true;
    if (response.status !== 202 || response.headers["location"] === undefined) return false;
    return sessionAfter(response, client.url(to));
  } catch (error) {
    // Who may not read there gets no token for both repositories; the upload will tell what else is wrong.
    if (!(error instanceof RemoteError)) throw error;
    client.ports.log.debug(error.message);
    return false;
  }
}

/** PATCH: bytes from `at` on; with a `Content-Range` where they are a chunk of several. */
export async function sendPart(
  client: RegistryClient,
  { location, leastChunk }: UploadSession,
  part: { body: AsyncIterable<Uint8Array>; at: number; length: number; chunked: boolean },
  signal: AbortSignal | undefined,
): Promise<UploadSession> {
  const request = {
    method: "PATCH",
    to: location,
    access: "push",
    body: part.body,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(part.length),
      ...(part.chunked ? { "content-range": `${part.at}-${part.at + part.length - 1}` } : {}),
    },
    ...optional(signal),
  } as const;
  const response = await client.send(request);
  if (![200, 201, 202, 204].includes(response.status))
    throw await broken({ method: "PATCH", url: location }, response, client);
  await response.discard();
  return { ...sessionAfter(response, location), leastChunk };
}

/** GET of the upload's status: the `Range` that the registry has; undefined where it cannot say. */
export async function uploadStatus(
  client: RegistryClient,
  { location, leastChunk }: UploadSession,
  signal: AbortSignal | undefined,
): Promise<{ range: string | undefined; session: UploadSession } | undefined> {
  const response = await client.send({
    method: "GET",
    to: location,
    access: "push",
    ...optional(signal),
  });
  await response.discard();
  if (response.status !== 204 && response.status !== 200) return undefined;
  const session = { ...sessionAfter(response, location), leastChunk };
  return { range: response.headers["range"], session };
}

/** PUT with the digest: ends the upload; a small blob travels in its body. */
export async function commitUpload(
  client: RegistryClient,
  { location }: UploadSession,
  digest: Digest,
  { body, signal }: { body?: Uint8Array; signal: AbortSignal | undefined },
): Promise<void> {
  const separator = location.search === "" ? "?" : "&";
  const url = new URL(`${location.href}${separator}digest=${encodeURIComponent(digest)}`);
  const request = {
    method: "PUT",
    to: url,
    access: "push",
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(body?.length ?? 0),
    },
    idleTimeout: commitTimeout,
    ...(body === undefined ? {} : { body }),
    ...optional(signal),
  } as const;
  const response = await client.send(request);
  if (![200, 201, 202, 204].includes(response.status))
    throw await broken({ method: "PUT", url }, response, client);
  await response.discard();
}

/** DELETE: tells the registry that nothing more will come. Whatever it answers is fine. */
export async function cancelUpload(
  client: RegistryClient,
  { location }: UploadSession,
): Promise<void> {
  try {
    const request = {
      method: "DELETE",
      to: location,
      access: "delete",
      idleTimeout: 5_000,
    } as const;
    const response = await client.send({ ...request, signal: AbortSignal.timeout(5_000) });
    await response.discard();
  } catch {
    // The registry collects forgotten uploads by itself.
  }
}

async function broken(
  request: Pick<HttpRequest, "method" | "url">,
  response: HttpResponse,
  client: RegistryClient,
): Promise<Error> {
  const { status } = response;
  const faults = await faultsOf(response);
  const error = await refusal(request, response, faults);
  const lost =
    status === 404 ||
    status === 410 ||
    status === 416 ||
    (status === 400 &&
      faults.some(({ code }) =>
        /^(BLOB_UPLOAD_(INVALID|UNKNOWN)|(DIGEST|SIZE|RANGE)_INVALID)$/.test(code),
      ));
  if (!lost && !isBusy(status)) return error;
  const wait = retryAfter(response.headers["retry-after"], client.ports.clock.now());
  return new UploadBroken(error.message, { status, lost, wait });
}

/** The next place of an upload: relative, absolute, with a query, and different with every answer. */
function sessionAfter({ headers }: HttpResponse, asked: URL): UploadSession {
  const text = headers["location"];
  const least = Number(headers["oci-chunk-min-length"]);
  const leastChunk = Number.isSafeInteger(least) && least > 0 ? least : undefined;
  if (text === undefined) return { location: asked, leastChunk };
  if (!URL.canParse(text, asked.href))
    throw new RemoteError(`${asked.host} names "${text.slice(0, 100)}" as the place of an upload.`);
  const location = new URL(text, asked);
  if (asked.protocol === "https:" && location.protocol === "http:") {
    if (location.hostname !== asked.hostname)
      throw new RemoteError(`${asked.host} wants its blobs over plain HTTP at ${location.host}.`);
    location.protocol = "https:";
  }
  return { location, leastChunk };
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
