import { RemoteError } from "../../errors.ts";

/** One place that has a file: the hub, a mirror, a folder, a layer of an image. */
export interface Place {
  /** For messages: `the hub`, `the mirror https://…`. */
  readonly name: string;
  /** The file's bytes from `from` to its end. A `PlaceError` says whether asking again may help. */
  open(from: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** A place does not give the file. */
export class PlaceError extends RemoteError {
  /** Whether asking the same place again may help. */
  readonly passing: boolean;
  /** Milliseconds that the place asks to wait. */
  readonly wait: number | undefined;

  constructor(message: string, { passing = false, wait, ...options }: PlaceErrorOptions = {}) {
    super(message, options);
    this.passing = passing;
    this.wait = wait;
  }
}

export interface PlaceErrorOptions {
  readonly passing?: boolean;
  readonly wait?: number | undefined;
  readonly todo?: string;
  readonly cause?: unknown;
}

/** What is known of a file before its bytes. */
export interface WantedFile {
  /** For messages: `models/kokoro-82m/kokoro-v1_0.pth`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Absent where the bytes shall tell. */
  readonly sha256?: string | undefined;
  /** The lock's reason to take a file that the weights gate would refuse. */
  readonly allow?: string | undefined;
}

export function grouped(bytes: number): string {
  return bytes.toLocaleString("en-US");
}
