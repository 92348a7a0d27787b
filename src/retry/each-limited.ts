/**
 * Does the work for every item, so many at a time, and gives the results in the items' order. The first failure stops the others (by
 * the signal that each is given) and is thrown once they have ended.
 */
export async function eachLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<readonly R[]> {
  const failed = new AbortController();
  const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const results: R[] = [];
  const errors: unknown[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [at, item] of queue) {
      try {
        both.throwIfAborted();
        results[at] = await work(item, both);
      } catch (error) {
        errors.push(error);
        failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (signal?.aborted) throw signal.reason;
  if (errors.length > 0) throw errors[0];
  return results;
}
