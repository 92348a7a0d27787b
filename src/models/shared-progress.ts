import type { Log } from "../ports/log.ts";

/** One bar for several things side by side. */
export interface SharedProgress {
  /** What is done of one of them in all; less than before where it begins anew. */
  update(thing: object, done: number): void;
  end(): void;
}

/** `total` is the bytes of all things. */
export function sharedProgress(
  log: Pick<Log, "progress">,
  label: string,
  total: number,
): SharedProgress {
  const bar = log.progress(label, total);
  const parts = new Map<object, number>();
  let sum = 0;
  return {
    update: (thing, done) => {
      sum += done - (parts.get(thing) ?? 0);
      parts.set(thing, done);
      bar.update(sum);
    },
    end: () => bar.end(),
  };
}
