import { InterruptedError } from "../errors.ts";

/**
 * Aborted when this process is told to stop; the reason is an InterruptedError with the exit code. Whoever sends the same signal again
 * does not want to wait for the cleaning up: the process ends at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const reason = new InterruptedError(signal);
    process.once(signal, () => {
      stop.abort(reason);
      process.on(signal, () => process.exit(reason.exitCode));
    });
  }
  return stop.signal;
}
