/** One place that has a file: the hub, a mirror, a folder, a layer of an image. */
export interface Place {
  /** For messages: `the hub`, `the mirror https://…`. */
  readonly name: string;
  /** The file's bytes from `from` to its end. A PassingError where asking again may help. */
  open(from: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
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
