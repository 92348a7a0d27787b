import { IntegrityError, isError, RemoteError } from "../../errors.ts";
import { isPassing } from "../../retry/passing.ts";
import { beforeNext, type PersistPorts } from "../../retry/persist.ts";
import { contentType } from "../gate/content.ts";
import { otherBytes } from "./http-place.ts";
import { grouped, type Place, type WantedFile } from "./place.ts";

/**
 * A file's bytes from `from` to its end, from the first place that gives them; where one breaks, it is asked again at the byte reached,
 * five times in all, then the next one goes on from there. Exactly the wanted number of bytes comes, or an error that says what each
 * place did: an IntegrityError where one of them had other bytes.
 */
export async function* readResumed(
  places: readonly Place[],
  file: WantedFile,
  from: number,
  ports: PersistPorts,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (isWhole(file, from)) return;
  const reached = { at: from };
  const failures: Error[] = [];
  for (const place of places) {
    try {
      yield* readPlace(place, file, reached, ports, signal);
      return;
    } catch (error) {
      if (signal?.aborted || !isError(error)) throw error;
      failures.push(error);
      if (place !== places.at(-1))
        ports.log.info(`${error.message} Going on with the next mirror.`);
    }
  }
  throw summary(file, failures);
}

/** The rest of a file from one place, which is asked again where it breaks. */
async function* readPlace(
  place: Place,
  file: WantedFile,
  reached: { at: number },
  ports: PersistPorts,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      yield* readOnce(place, file, reached, signal);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      if (isWhole(file, reached.at)) return;
      await beforeNext(attempt + 1, error, ports, signal, file.name);
    }
  }
}

/** Whether nothing is left to ask for; an empty file is asked for all the same. */
function isWhole({ size }: WantedFile, at: number): boolean {
  return at === size && size > 0;
}

async function* readOnce(
  place: Place,
  file: WantedFile,
  reached: { at: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of await place.open(reached.at, signal)) {
    check(file, place, reached.at, piece);
    reached.at += piece.length;
    yield piece;
  }
  if (reached.at < file.size)
    throw otherBytes(file, place.name, `ended after ${grouped(reached.at)} bytes`);
}

/** Refuses what cannot be the file: too many bytes, or a beginning that is never one of weights. */
function check(file: WantedFile, place: Place, at: number, piece: Uint8Array): void {
  if (at + piece.length > file.size) throw otherBytes(file, place.name, "sent more bytes");
  if (at > 0 || file.allow !== undefined) return;
  const type = contentType(piece, file.size);
  if (type === "html") throw otherBytes(file, place.name, "sent an HTML page");
  if (type === "git-lfs-pointer") throw otherBytes(file, place.name, "sent a git-lfs pointer");
}

function summary({ name }: WantedFile, failures: readonly Error[]): Error {
  const [only, ...more] = failures;
  if (only !== undefined && more.length === 0) return only;
  const worst = failures.find((error) => error instanceof IntegrityError);
  const Kind = worst === undefined ? RemoteError : IntegrityError;
  const todo = worst instanceof IntegrityError ? worst.todo : undefined;
  return new Kind(
    `${name}: no source gave it.${failures.map(({ message }) => ` ${message}`).join("")}`,
    todo === undefined ? {} : { todo },
  );
}
