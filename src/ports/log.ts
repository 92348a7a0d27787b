/** Where messages for people go. Nothing that is printed here can be a workflow command or a masked secret. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  /** Shown as an annotation on a runner. */
  warning(message: string): void;
  /** Hides the value in everything that is printed from now on. */
  mask(secret: string): void;
  /** Runs the work inside a folded group. */
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** Progress of long work; `total` in the same unit as what is reported, bytes where nothing else is said. */
  progress(label: string, total: number | undefined): Progress;
}

export interface Progress {
  /** What is done in all, not since the last call. */
  update(done: number): void;
  end(): void;
}

/** Hides a secret as a whole and each of its lines, since programs print one line at a time; a line such as `}` is no secret. */
export function maskSecret({ mask }: Pick<Log, "mask">, secret: string): void {
  const parts = [secret, ...secret.split("\n").map((line) => line.trim())];
  for (const part of new Set(parts)) if (/\w/.test(part)) mask(part);
}
