import { IntegrityError, RemoteError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Fetch, HttpResponse } from "../../ports/fetch.ts";
import { contentType } from "../gate/content.ts";
import { type Located, type Location, locate } from "./locate.ts";
import { grouped, type Place, type WantedFile } from "./place.ts";
import { refusal } from "./refusal.ts";

export interface HttpPlaceOptions extends Location {
  /** For messages. */
  readonly name: string;
  readonly file: WantedFile;
  /** What to do when the place wants to know who asks. */
  readonly access?: string;
}

/** A file at an address. A server that ignores Range is read from its beginning, and what was there already is dropped. */
export function httpPlace(
  options: HttpPlaceOptions,
  ports: { readonly fetch: Fetch; readonly clock: Pick<Clock, "now"> },
): Place {
  const { name, file } = options;
  return {
    name,
    async open(from, signal) {
      const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
      const located = await locate("GET", options, range, ports.fetch, signal);
      const { response } = located;
      const begins = response.status === 206 ? rangeStart(response.headers["content-range"]) : 0;
      const problem =
        problemOf(located, from, options, ports.clock.now()) ??
        (begins <= from
          ? await wrongSize(response, begins, options)
          : new RemoteError(`${file.name}: ${name} sent another range than the one asked for.`));
      if (problem === undefined)
        return begins === from ? response.body : skip(response.body, from - begins);
      await response.discard();
      throw problem;
    },
  };
}

/** What an answer's status and headers say against reading its body. */
function problemOf(
  { response: { status, headers }, url, linkedSha256 }: Located,
  from: number,
  options: HttpPlaceOptions,
  now: number,
): Error | undefined {
  const { file, name } = options;
  if (linkedSha256 !== undefined && file.sha256 !== undefined && linkedSha256 !== file.sha256)
    return otherBytes(file, name, `has sha256 ${linkedSha256}`, file.sha256);
  if (status === 416) return otherBytes(file, name, `has no byte ${grouped(from)}`);
  if (status !== 200 && status !== 206) {
    // A storage that it redirects to was shown no token, and wants none.
    const access = url.origin === options.url.origin ? options.access : undefined;
    const asked = { ...options, what: file.name, place: name, url, access };
    return refusal({ status, headers }, asked, now);
  }
  return undefined;
}

/** `bytes 100-199/200`: 100. */
function rangeStart(header = ""): number {
  return Number(/^bytes (\d+)-/.exec(header)?.[1] ?? Number.POSITIVE_INFINITY);
}

/** Bytes of the whole file as the headers tell it. */
function totalSize({ headers }: HttpResponse, begins: number): number | undefined {
  const total = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
  if (total !== undefined) return Number(total);
  const length = headers["content-length"];
  return length === undefined ? undefined : begins + Number(length);
}

/** The error for a body of another size, by what it begins with; undefined where the size is right or not told. */
async function wrongSize(
  response: HttpResponse,
  begins: number,
  { name, file }: HttpPlaceOptions,
): Promise<IntegrityError | undefined> {
  const total = totalSize(response, begins);
  if (total === undefined || total === file.size) return undefined;
  for await (const head of response.body) {
    const type = begins === 0 ? contentType(head, total) : "unknown";
    const sent = `of ${grouped(total)} bytes`;
    if (type === "html") return otherBytes(file, name, `sent an HTML page ${sent}`);
    if (type === "git-lfs-pointer") return otherBytes(file, name, `sent a git-lfs pointer ${sent}`);
    break;
  }
  return otherBytes(file, name, `has ${grouped(total)} bytes`);
}

/** The error for a place whose bytes are not those of the lock: `seen` is what it did, `said` what the lock says instead. */
export function otherBytes(
  { name, size }: WantedFile,
  place: string,
  seen: string,
  said = `${grouped(size)} bytes`,
): IntegrityError {
  return new IntegrityError(`${name}: ${place} ${seen}, the lock says ${said}.`, {
    todo: "Nothing was published. If the file was changed on purpose, run: director-image models lock --update",
  });
}

async function* skip(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of body) {
    if (left < piece.length) yield piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}
