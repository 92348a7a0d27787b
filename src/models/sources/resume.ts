import { IntegrityError, isError, RemoteError } from "../../errors.ts";
import { isPassing } from "../../retry/passing.ts";
import { beforeNext, type PersistPorts } from "../../retry/persist.ts";
import { contentType } from "../gate/content.ts";
import { BeginAgain } from "./begin-again.ts";
import { otherBytes } from "./http-place.ts";
import { grouped, type Place, type WantedFile } from "./place.ts";
import { GatedError } from "./refusal.ts";

/** Who gave bytes: a place, or what an earlier try left. */
type Giver = Pick<Place, "name">;

/** The places of one file: read in their order, and asked no more once they gave other bytes than the lock's. */
export class Sources {
  readonly #file: WantedFile;
  readonly #ports: PersistPorts;
  #places: readonly Place[];
  /** Who gave bytes since the first byte, the last one last. */
  readonly #gave = new Set<Giver>();
  /** What failed since then. */
  readonly #failed = new Map<Place, Error>();
  /** What those did that are asked no more. */
  readonly #out: Error[] = [];

  constructor(file: WantedFile, places: readonly Place[], ports: PersistPorts) {
    this.#file = file;
    this.#places = places;
    this.#ports = ports;
  }

  /**
   * The bytes from `from` to the end, from the first place that gives them; where one breaks, it is asked again at the byte reached,
   * five times in all, then the next one goes on from there. Exactly the wanted number of bytes comes, or an error that says what each
   * place did: an IntegrityError where one of them had other bytes.
   */
  async *read(from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (isWhole(this.#file, from)) return;
    const reached = { at: from };
    for (const place of this.#places) {
      try {
        for await (const piece of readPlace(place, this.#file, reached, this.#ports, signal)) {
          this.credit(place);
          yield piece;
        }
        return;
      } catch (error) {
        if (signal?.aborted || !isError(error)) throw error;
        this.#failed.set(place, error);
        if (place !== this.#places.at(-1))
          this.#ports.log.info(`${error.message} Going on with the next mirror.`);
      }
    }
    throw summary(this.#file, [...this.#out, ...this.#failed.values()]);
  }

  /** Says who gave the bytes that came last. */
  credit(giver: Giver): void {
    this.#gave.delete(giver);
    this.#gave.add(giver);
  }

  /**
   * The error for bytes that are not the lock's, `why` being given the names of those who gave them: a BeginAgain where places are left.
   * Those who gave are asked no more, but for one that gave the end only: the wrong bytes may be another's.
   */
  refused(why: (givers: string) => IntegrityError): Error {
    const gave = [...this.#gave];
    const error = why(
      (gave.length > 0 ? gave : this.#places).map(({ name }) => name).join(" and "),
    );
    const last = gave.length > 1 ? gave.at(-1) : undefined;
    const left = this.#places.filter(
      (place) => place === last || !(this.#gave.has(place) || this.#failed.has(place)),
    );
    const [next] = left;
    const failures = [...this.#failed].flatMap(([place, failure]) =>
      place === last ? [] : [failure],
    );
    this.#out.push(...failures, error);
    this.#places = left;
    this.#gave.clear();
    this.#failed.clear();
    if (gave.length === 0 || next === undefined) return summary(this.#file, this.#out);
    return new BeginAgain(`${error.message} Beginning again with ${next.name}.`);
  }
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
  const said = new Set(failures.map(({ message }) => message));
  const [only] = failures;
  if (only !== undefined && said.size === 1) return only;
  const worst =
    failures.find((error) => error instanceof IntegrityError) ??
    failures.find((error) => error instanceof GatedError);
  const told = `${name}: no source gave it. ${[...said].join(" ")}`;
  if (worst === undefined) return new RemoteError(told);
  const { todo } = worst;
  const Kind = worst instanceof IntegrityError ? IntegrityError : GatedError;
  return new Kind(told, todo === undefined ? {} : { todo });
}
