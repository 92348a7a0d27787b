import { isError, RemoteError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { PlaceError } from "./place.ts";

/** How often each place is asked for one thing. */
export const attempts = 5;

/** Longest wait that a place may ask for, in milliseconds. */
const longestWait = 600_000;

export interface RetryPorts {
  readonly clock: Pick<Clock, "sleep" | "random">;
  readonly log: Pick<Log, "info">;
}

/** Does the work again while it fails for a passing reason, five times in all. */
export async function retried<T>(
  name: string,
  work: () => Promise<T>,
  ports: RetryPorts,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      if (attempt === attempts) throw givenUp(name, error);
      await pause(attempt + 1, error, ports, signal);
    }
  }
}

/** Waits before the attempt with this number, and says so. */
export async function pause(
  attempt: number,
  error: Error,
  { clock, log }: RetryPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wait = waitBefore(attempt, error, clock.random());
  log.info(error.message);
  log.info(`Retry ${attempt}/${attempts} in ${Math.round(wait / 1000)}s...`);
  await clock.sleep(wait, signal);
}

/** Whether asking the same place again may help: a connection that broke or fell silent, a place that is busy. */
export function isPassing(error: unknown): error is Error {
  if (error instanceof PlaceError)
    return error.passing && (error.wait === undefined || error.wait <= longestWait);
  if (!(error instanceof RemoteError) || !isError(error.cause)) return false;
  return !/^(ENOTFOUND|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(error.cause.code ?? "");
}

/** The cause is left out: whoever takes the bytes shall not try yet again. */
export function givenUp(name: string, error: Error): RemoteError {
  const message = error.message.startsWith(name) ? error.message : `${name}: ${error.message}`;
  return new RemoteError(`${message} Given up after ${attempts} attempts.`);
}

/** 2ⁿ seconds give or take a quarter, or what the place asks for, in milliseconds; n counts the retries from 1. */
function waitBefore(attempt: number, error: Error, random: number): number {
  const asked = error instanceof PlaceError ? (error.wait ?? 0) : 0;
  return Math.max(asked, 2 ** (attempt - 1) * 1000 * (0.75 + random / 2));
}
