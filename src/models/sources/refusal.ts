import { RemoteError } from "../../errors.ts";
import type { HttpResponse } from "../../ports/fetch.ts";
import { isBusy, PassingError, retryAfter } from "../../retry/passing.ts";
import { grouped } from "./place.ts";

/** The hub shows a model's files to nobody, or not to who asks. */
export class GatedError extends RemoteError {}

export interface Asked {
  /** What was asked for, for messages. */
  readonly what: string;
  /** Who was asked. */
  readonly place: string;
  readonly url: URL;
  readonly token?: string | undefined;
  /** What to do when the place wants to know who asks; of the hub alone. */
  readonly access?: string | undefined;
}

/** The error for an answer that is not the thing asked for. */
export function refusal(
  { status, headers }: Pick<HttpResponse, "status" | "headers">,
  { what, place, url, token, access }: Asked,
  now: number,
): RemoteError {
  const words = headers["x-error-message"];
  const said = words === undefined ? "" : ` It says: ${words}`;
  const where = `${url.origin}${url.pathname}`;
  if (status === 401 || status === 403) {
    const who = token === undefined ? "no token was sent" : "with the token that was sent";
    const how = access === undefined ? "" : `, ${who}`;
    const message = `${what}: ${place} refused ${where} (HTTP ${status}${how}).${said}`;
    if (access !== undefined) return new GatedError(message, { todo: access });
    return new RemoteError(message, { todo: "The address must be open to everybody." });
  }
  if (status === 404 || status === 410) {
    return new RemoteError(
      `${what}: ${place} does not have it (HTTP ${status} for ${where}).${said}`,
      {
        todo: "Look whether it was moved or removed there; director-image models lock --update finds what is there now.",
      },
    );
  }
  const answered = `${what}: ${place} answered HTTP ${status} for ${where}.${said}`;
  if (!isBusy(status)) return new RemoteError(answered);
  const wait = retryAfter(headers["retry-after"], now);
  const asks = wait === undefined ? "" : ` It asks to wait ${grouped(Math.ceil(wait / 1000))} s.`;
  return new PassingError(`${answered}${asks}`, { wait });
}
