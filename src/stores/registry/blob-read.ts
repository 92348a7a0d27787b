import { IntegrityError, RemoteError } from "../../errors.ts";
import type { Digest } from "../../images/digest.ts";
import type { HttpResponse } from "../../ports/fetch.ts";
import { PassingError } from "../../retry/passing.ts";
import { refusal } from "./answer.ts";
import type { RegistryClient } from "./client.ts";

/** HEAD of a blob: its size; undefined if it is not there. A registry that gives no length is asked for one byte. */
export async function headBlob(
  client: RegistryClient,
  digest: Digest,
): Promise<number | undefined> {
  const request = { method: "HEAD", to: `blobs/${digest}`, access: "pull" } as const;
  const response = await client.send(request);
  await response.discard();
  if (response.status === 404) return undefined;
  if (response.status !== 200)
    throw await refusal({ ...request, url: client.url(request.to) }, response, []);
  return lengthOf(response) ?? (await sizeByRange(client, digest));
}

async function sizeByRange(client: RegistryClient, digest: Digest): Promise<number | undefined> {
  const headers = { range: "bytes=0-0" };
  const response = await client.send({
    method: "GET",
    to: `blobs/${digest}`,
    access: "pull",
    headers,
  });
  await response.discard();
  if (response.status === 206) return rangeOf(response)?.total;
  return response.status === 200 ? lengthOf(response) : undefined;
}

/** GET of a blob from a byte on: its bytes, and only those, whatever the registry makes of the range. */
export async function* getBlob(
  client: RegistryClient,
  digest: Digest,
  from: number,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const request = { method: "GET", to: `blobs/${digest}`, access: "pull" } as const;
  const url = client.url(request.to);
  const response = await client.send({
    ...request,
    ...(from > 0 ? { headers: { range: `bytes=${from}-` } } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.status !== 200 && response.status !== 206) {
    if (response.status === 404) {
      await response.discard();
      throw new RemoteError(`${url.href}: the registry does not have this blob.`);
    }
    throw await refusal({ ...request, url }, response);
  }
  const begins = response.status === 206 ? rangeOf(response)?.begins : 0;
  if (begins === undefined || begins > from) {
    await response.discard();
    throw new IntegrityError(`${url.href}: the registry sent another range than asked for.`);
  }
  yield* after(from - begins, expecting(lengthOf(response), response.body, url));
}

/** Turns an end before the promised length into a failure that another try may mend. */
async function* expecting(
  length: number | undefined,
  body: AsyncIterable<Uint8Array>,
  url: URL,
): AsyncIterable<Uint8Array> {
  let seen = 0;
  for await (const piece of body) {
    seen += piece.length;
    yield piece;
  }
  if (length !== undefined && seen < length)
    throw new PassingError(`GET ${url.origin}${url.pathname}: the connection ended early.`);
}

async function* after(skip: number, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = skip;
  for await (const piece of body) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}

function lengthOf({ headers }: HttpResponse): number | undefined {
  const length = Number(headers["content-length"] ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

function rangeOf({
  headers,
}: HttpResponse): { begins: number; total: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headers["content-range"] ?? "");
  if (match === null) return undefined;
  return { begins: Number(match[1]), total: match[2] === "*" ? undefined : Number(match[2]) };
}
