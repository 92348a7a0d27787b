import { types } from "node:util";

/**
 * Errors by who must act. A message says where, what was seen and what was wanted; `todo` says what to do about it.
 * `exitCode` is the command line's answer (README, "Exit codes").
 */
abstract class KnownError extends Error {
  abstract readonly exitCode: number;
  readonly todo: string | undefined;

  constructor(message: string, options: { todo?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.todo = options.todo;
  }
}

/** The caller must act: a wrong flag, input, lock or policy. */
export class UsageError extends KnownError {
  readonly exitCode = 2;
}

/** Bytes are not what they claim to be: a size, a hash, a format. */
export class IntegrityError extends KnownError {
  readonly exitCode = 1;
}

/** A check or a gate said no: a refused image, a missing verdict, a Dockerfile that fails. */
export class CheckError extends KnownError {
  readonly exitCode = 1;
}

/** The outside world failed: a registry, a hub, the network, the disk. */
export class RemoteError extends KnownError {
  readonly exitCode = 3;
}

/** A store was given a manifest that names blobs (or manifests) which it does not have, or has no more. */
export class MissingBlobError extends RemoteError {
  /** What is missing; empty where the store does not say. */
  readonly digests: readonly string[];

  constructor(
    message: string,
    digests: readonly string[],
    options: { todo?: string; cause?: unknown } = {},
  ) {
    super(message, options);
    this.digests = digests;
  }
}

/** A program could not be started, or failed for a reason that is not the caller's. */
export class CommandError extends KnownError {
  readonly exitCode = 3;
}

/** The run was told to stop; 130 for SIGINT, 143 for SIGTERM. */
export class InterruptedError extends KnownError {
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`Interrupted by ${signal}.`, {
      todo: "Run the same again: it goes on where it stopped.",
    });
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}

/** Whether the error is one that we raise ourselves; anything else is a fault of our own (exit 70). */
export function isKnown(error: unknown): error is KnownError {
  return error instanceof KnownError;
}

/** Whether a caught value is an error, also one of Node's own modules in another realm; `code` is theirs (ENOSPC, ECONNRESET, Z_DATA_ERROR). */
export function isError(value: unknown): value is Error & { readonly code?: string } {
  return value instanceof Error || types.isNativeError(value);
}

/** What a file system says of itself (errno); where it was met with no word about the file, the system's own words must do. */
const diskRefusals = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "EPERM"],
  ...["EISDIR", "ENOTDIR", "EMFILE", "ENFILE", "ENAMETOOLONG"],
]);

/** What it says of one file, and others of other things: these count only where a path was refused. */
const pathRefusals = new Set(["ENOENT", "EEXIST", "ENOTEMPTY", "ELOOP", "EBUSY", "EXDEV"]);

/** What is shown of an error that ends a run, and the exit code; an error that is not ours is a fault of our own, with its stack. */
export function ending(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (isKnown(error)) return { text: explain(error), exitCode: error.exitCode };
  const refused = diskRefusal(error);
  if (refused !== undefined)
    return { text: `The disk or its file system refused: ${refused}.`, exitCode: 3 };
  return {
    text: `A fault of our own, please report it: ${isError(error) ? error.stack : String(error)}`,
    exitCode: 70,
  };
}

/** What the file system refused, with the path where it tells one; undefined for any other error. */
function diskRefusal(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const { code = "", message, path, syscall }: NodeJS.ErrnoException = error;
  const named = path !== undefined && syscall !== undefined && !syscall.startsWith("spawn");
  if (!diskRefusals.has(code) && !(named && pathRefusals.has(code))) return undefined;
  return path === undefined || message.includes(path) ? message : `${message} (${path})`;
}

/** A message as a part of another sentence: without its stop. */
export function inSentence(message: string): string {
  return message.replace(/\.$/, "");
}

/** The text for a person: the message, its causes, and what to do, indented by two spaces. */
export function explain(error: unknown): string {
  if (!isError(error)) return String(error);
  const lines = [error.message];
  for (let cause = error.cause; isError(cause); cause = cause.cause) {
    if (!lines.some((line) => line.includes(String((cause as Error).message))))
      lines.push(`because: ${cause.message}`);
  }
  if (isKnown(error) && error.todo !== undefined) lines.push(error.todo);
  return lines.join("\n  ");
}
