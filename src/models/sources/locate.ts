import { RemoteError } from "../../errors.ts";
import { isLoopback } from "../../images/loopback.ts";
import type { Fetch, HttpResponse } from "../../ports/fetch.ts";

export interface Location {
  readonly url: URL;
  /** Sent to the host of `url` and to no other, redirects included. */
  readonly token?: string | undefined;
  /** Longest silence in milliseconds, where it is not the usual one. */
  readonly idleTimeout?: number | undefined;
}

export interface Located {
  readonly response: HttpResponse;
  /** Where the answer came from after redirects. */
  readonly url: URL;
  /** The sha256 that the hub names when it redirects to its storage. */
  readonly linkedSha256: string | undefined;
}

const mostRedirects = 5;

/** Asks for an address and follows redirects by hand, so that the token goes to the first host only. */
export async function locate(
  method: "GET" | "HEAD",
  { url: first, token, idleTimeout }: Location,
  headers: Readonly<Record<string, string>>,
  fetch: Fetch,
  signal?: AbortSignal,
): Promise<Located> {
  let url = first;
  let linkedSha256: string | undefined;
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const response = await fetch({
      method,
      url,
      headers: {
        "accept-encoding": "identity",
        ...(token !== undefined && url.origin === first.origin
          ? { authorization: `Bearer ${token}` }
          : {}),
        ...headers,
      },
      ...(signal === undefined ? {} : { signal }),
      ...(idleTimeout === undefined ? {} : { idleTimeout }),
    });
    linkedSha256 ??= /^"?([0-9a-f]{64})"?$/.exec(response.headers["x-linked-etag"] ?? "")?.[1];
    const target = response.headers["location"];
    if (![301, 302, 303, 307, 308].includes(response.status) || target === undefined)
      return { response, url, linkedSha256 };
    await response.discard();
    url = redirected(url, target);
  }
  throw new RemoteError(
    `${first.origin}${first.pathname} redirects more than ${mostRedirects} times.`,
  );
}

function redirected(from: URL, target: string): URL {
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname)))
    return url;
  throw new RemoteError(
    `${from.origin}${from.pathname} redirects to ${url?.protocol ?? "something that is no address"}; wanted https:.`,
  );
}
