import { InterruptedError } from "../errors.ts";

/** Aborted when this process is told to stop; the reason is an InterruptedError with the exit code. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => stop.abort(new InterruptedError(signal)));
  return stop.signal;
}
