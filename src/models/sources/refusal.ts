import type { HttpResponse } from "../../ports/fetch.ts";
import { PlaceError } from "./place.ts";

export interface Asked {
  /** What was asked for, for messages. */
  readonly what: string;
  /** Who was asked. */
  readonly place: string;
  readonly url: URL;
  readonly token?: string | undefined;
  /** What to do when the place wants to know who asks. */
  readonly access?: string | undefined;
}

/** The error for an answer that is not the thing asked for. */
export function refusal(
  { status, headers }: Pick<HttpResponse, "status" | "headers">,
  { what, place, url, token, access }: Asked,
  now: number,
): PlaceError {
  const words = headers["x-error-message"];
  const said = words === undefined ? "" : ` It says: ${words}`;
  const where = `${url.origin}${url.pathname}`;
  if (status === 401 || status === 403) {
    const who = token === undefined ? "no token was sent" : "with the token that was sent";
    const how = access === undefined ? "" : `, ${who}`;
    return new PlaceError(`${what}: ${place} refused ${where} (HTTP ${status}${how}).${said}`, {
      todo: access ?? "The address must be open to everybody.",
    });
  }
  if (status === 404 || status === 410) {
    return new PlaceError(
      `${what}: ${place} does not have it (HTTP ${status} for ${where}).${said}`,
      {
        todo: "Look whether it was moved or removed there; director-image models lock --update finds what is there now.",
      },
    );
  }
  return new PlaceError(`${what}: ${place} answered HTTP ${status} for ${where}.${said}`, {
    passing: [408, 425, 429, 500, 502, 503, 504].includes(status),
    wait: retryAfter(headers["retry-after"], now),
  });
}

/** Milliseconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date). */
function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
