import type { Clock } from "../../ports/clock.ts";
import type { Fetch, HttpRequest, HttpResponse } from "../../ports/fetch.ts";
import type { Log } from "../../ports/log.ts";
import { PassingError } from "../../retry/passing.ts";
import { persistentFetch } from "../../retry/persistent-fetch.ts";
import { type Access, Authorization } from "./authorization.ts";
import type { Credential } from "./docker-config.ts";
import { followRedirects } from "./redirect.ts";

interface RegistryRequest extends Omit<HttpRequest, "url"> {
  /** Below the repository (`blobs/sha256:…`), or a whole URL that the registry itself gave. */
  readonly to: string | URL;
  readonly access: Access;
  /** Another repository of the registry to be read from: a mount. */
  readonly from?: string;
}

export interface ClientPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: Fetch;
  readonly credential: () => Promise<Credential | undefined>;
}

/**
 * Requests to one repository of a registry: authorized on the registry's own origin only, redirects followed, tried again
 * while the registry is busy. A status that is no answer of the registry's own making is left to the caller.
 */
export interface RegistryClient {
  readonly repository: string;
  readonly ports: ClientPorts;
  url(to: string | URL): URL;
  send(request: RegistryRequest): Promise<HttpResponse>;
}

export function registryClient(
  origin: URL,
  repository: string,
  ports: ClientPorts,
): RegistryClient {
  const fetch = persistentFetch(followRedirects(ports.fetch), ports);
  const authorization = new Authorization(origin, repository, { ...ports, fetch });
  const base = new URL(`/v2/${repository}/`, origin);
  const url = (to: string | URL) => new URL(to, base);

  const once = async ({ to, access, from, ...rest }: RegistryRequest, renewed: boolean) => {
    const target = url(to);
    const own = target.origin === origin.origin;
    const sent = own ? await authorization.header(access, from) : undefined;
    const headers = { ...rest.headers, ...(sent === undefined ? {} : { authorization: sent }) };
    const response = await fetch({ ...rest, headers, url: target });
    const again = response.status === 401 && own && !renewed;
    if (!again || !(await authorization.renew(response, sent))) return response;
    await response.discard();
    if (!isStream(rest.body)) return undefined;
    throw new PassingError(
      `${rest.method} ${target.origin}${target.pathname}: the log-in ran out.`,
    );
  };
  const send = async (request: RegistryRequest) =>
    (await once(request, false)) ?? ((await once(request, true)) as HttpResponse);
  return { repository, ports, url, send };
}

function isStream(body: HttpRequest["body"]): boolean {
  return typeof body === "object" && Symbol.asyncIterator in body;
}
