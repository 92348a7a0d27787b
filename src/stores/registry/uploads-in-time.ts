import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";

/** Part of the limit that a forecast may use up: the line can get slower. */
const usable = 0.8;
/** Bytes a second before anything was measured: the slowest pushes to GHCR that people report. */
const slowestKnown = 10_000_000;
/** Seconds after which the measured rate says more than that. */
const telling = 5;

/** An upload on the way: bytes that it has still to send, and seconds since it began. */
export interface OnTheWay {
  readonly remaining: number;
  readonly seconds: number;
}

/** Bytes a second of a line that moved so many bytes in so many seconds. Pure. */
export function lineRate(bytes: number, seconds: number): number {
  return seconds < telling ? slowestKnown : Math.max(1, bytes / seconds);
}

/** Whether uploads that share a line of so many bytes a second all end within the limit (seconds), each getting its part of the line. Pure. */
export function endInTime(uploads: readonly OnTheWay[], rate: number, limit: number): boolean {
  return uploads.every(
    ({ remaining, seconds }) => seconds + (remaining * uploads.length) / rate <= usable * limit,
  );
}

interface Upload {
  remaining: number;
  begun: number;
}

interface Waiting {
  readonly upload: Upload;
  readonly begin: () => void;
}

/**
 * A store whose registry ends an upload after `limit` seconds (GHCR: ten minutes). Uploads share the line, so a blob begins only when it and
 * those on the way can end in time, by the rate measured so far; one that would take nearly all of it gets the line alone. In turn,
 * so that small blobs do not keep a large one waiting for ever.
 */
export function uploadsInTime(
  store: Store,
  limit: number | undefined,
  clock: Pick<Clock, "now">,
): Store {
  if (limit === undefined) return store;
  const line = sharedLine(limit, clock);
  return {
    ...store,
    putBlob: async (source, options = {}) => {
      const { signal, onProgress } = options;
      const upload: Upload = { remaining: source.size, begun: 0 };
      await line.enter(upload, signal);
      try {
        const progress = (done: number) => {
          line.sent(upload, source.size - done);
          onProgress?.(done);
        };
        return await store.putBlob(source, { ...options, onProgress: progress });
      } finally {
        line.leave(upload);
      }
    },
  };
}

function sharedLine(limit: number, clock: Pick<Clock, "now">) {
  const active = new Set<Upload>();
  const queue: Waiting[] = [];
  let moved = 0;
  let since: number | undefined;

  const fits = (next: Upload): boolean => {
    if (active.size === 0) return true;
    const now = clock.now();
    const uploads = [...active, { ...next, begun: now }].map(({ remaining, begun }) => ({
      remaining,
      seconds: (now - begun) / 1000,
    }));
    return endInTime(uploads, lineRate(moved, (now - (since ?? now)) / 1000), limit);
  };
  const admit = (): void => {
    for (let first = queue[0]; first !== undefined && fits(first.upload); first = queue[0]) {
      queue.shift();
      first.upload.begun = clock.now();
      since ??= first.upload.begun;
      active.add(first.upload);
      first.begin();
    }
  };
  return {
    /** Waits for its turn. */
    enter: (upload: Upload, signal: AbortSignal | undefined): Promise<void> =>
      new Promise((begin, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const waiting = { upload, begin };
        queue.push(waiting);
        signal?.addEventListener(
          "abort",
          () => {
            if (!queue.includes(waiting)) return;
            queue.splice(queue.indexOf(waiting), 1);
            reject(signal.reason);
            admit();
          },
          { once: true },
        );
        admit();
      }),
    sent: (upload: Upload, remaining: number): void => {
      moved += Math.max(0, upload.remaining - remaining);
      upload.remaining = remaining;
      admit();
    },
    leave: (upload: Upload): void => {
      active.delete(upload);
      admit();
    },
  };
}
