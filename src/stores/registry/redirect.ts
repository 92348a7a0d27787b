import { RemoteError } from "../../errors.ts";
import { isLoopback } from "../../images/loopback.ts";
import type { Fetch, HttpRequest, HttpResponse } from "../../ports/fetch.ts";

const longestChain = 5;

/** A Fetch that follows the redirects of GET and HEAD (a registry's blobs often lie elsewhere) and gives no credential to another origin. */
export function followRedirects(fetch: Fetch): Fetch {
  return async (request) => {
    let next = request;
    for (let hops = 0; ; hops += 1) {
      const response = await fetch(next);
      if (!isRedirect(next, response)) return response;
      await response.discard();
      if (hops === longestChain)
        throw new RemoteError(`${request.method} ${request.url.href}: redirected without end.`);
      next = redirected(next, response.headers["location"] ?? "");
    }
  };
}

function isRedirect({ method }: HttpRequest, { status, headers }: HttpResponse): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    [301, 302, 303, 307, 308].includes(status) &&
    headers["location"] !== undefined
  );
}

function redirected(request: HttpRequest, location: string): HttpRequest {
  const url = URL.canParse(location, request.url.href) ? new URL(location, request.url) : undefined;
  const { protocol } = request.url;
  const fits = url !== undefined && /^https?:$/.test(url.protocol);
  if (!fits || (protocol === "https:" && url.protocol === "http:" && !isLoopback(url.hostname))) {
    throw new RemoteError(
      `${request.method} ${request.url.origin}${request.url.pathname}: redirected to a place that is not safe to follow.`,
    );
  }
  if (url.origin === request.url.origin) return { ...request, url };
  const { authorization: _, ...headers } = lowered(request.headers ?? {});
  return { ...request, url, headers };
}

function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
