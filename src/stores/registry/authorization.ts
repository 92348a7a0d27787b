import type { Clock } from "../../ports/clock.ts";
import type { Fetch, HttpResponse } from "../../ports/fetch.ts";
import type { Log } from "../../ports/log.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credential } from "./docker-config.ts";
import { basic, fetchToken, type Token } from "./token.ts";

/** What a request may do; the registry's words for it in a token's scope. */
export type Access = "pull" | "push" | "delete";

/** A token is not used in the last seconds of its life. */
const margin = 10_000;

export interface AuthorizationPorts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked once, when the registry first wants to know who asks. */
  readonly credential: () => Promise<Credential | undefined>;
}

/** The `Authorization` headers for one repository of one registry, and for nothing else. */
export class Authorization {
  readonly #registry: URL;
  readonly #repository: string;
  readonly #ports: AuthorizationPorts;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #credential: Promise<Credential | undefined> | undefined;

  constructor(registry: URL, repository: string, ports: AuthorizationPorts) {
    this.#registry = registry;
    this.#repository = repository;
    this.#ports = ports;
  }

  /** The header for a request; undefined as long as the registry has not asked for any. `from` is a repository to mount from. */
  async header(access: Access, from?: string): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    const credential = await this.#who();
    if (this.#challenge.scheme === "basic")
      return credential?.kind === "password" ? basic(credential) : undefined;
    if (credential?.kind === "bearer") return `Bearer ${credential.token}`;
    return `Bearer ${(await this.#token(this.#scopes(access, from), this.#challenge, credential)).value}`;
  }

  /** Learns from a 401; false if there is nothing more to offer than what was sent already. */
  async renew(response: HttpResponse, sent: string | undefined): Promise<boolean> {
    const challenges = parseChallenges(response.headers["www-authenticate"] ?? "");
    const wanted =
      challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (wanted === undefined) return false;
    this.#challenge = wanted;
    const kept = await Promise.all(
      [...this.#tokens.values()].map((token) => token.catch(() => undefined)),
    );
    // What was given before, for less, has most likely run out as well.
    if (kept.some((token) => sent !== undefined && sent === `Bearer ${token?.value}`))
      this.#tokens.clear();
    const credential = await this.#who();
    if (wanted.scheme === "basic")
      return credential?.kind === "password" && sent !== basic(credential);
    return credential?.kind !== "bearer" || sent !== `Bearer ${credential.token}`;
  }

  #who(): Promise<Credential | undefined> {
    this.#credential ??= this.#ports.credential().then((credential) => {
      if (credential?.kind === "password") this.#ports.log.mask(credential.password);
      else if (credential !== undefined) this.#ports.log.mask(credential.token);
      return credential;
    });
    return this.#credential;
  }

  #scopes(access: Access, from: string | undefined): readonly string[] {
    const own = (actions: string) => `repository:${this.#repository}:${actions}`;
    const mount = from === undefined ? [] : [`repository:${from}:pull`];
    if (access === "delete") return [own("pull,push,delete")];
    const writes = [own("pull,push"), ...mount];
    return access === "push" || this.#tokens.has(writes.join(" ")) ? writes : [own("pull")];
  }

  async #token(
    scopes: readonly string[],
    challenge: Challenge,
    credential: Credential | undefined,
  ): Promise<Token> {
    const key = scopes.join(" ");
    const kept = this.#tokens.get(key);
    const known = await kept?.catch(() => undefined);
    if (known !== undefined && known.expires - margin > this.#ports.clock.now()) return known;
    const newer = this.#tokens.get(key);
    if (newer !== undefined && newer !== kept) return await newer;
    const token = fetchToken({ challenge, scopes, credential }, this.#registry, this.#ports);
    this.#tokens.set(key, token);
    token.catch(() => this.#tokens.delete(key));
    return await token;
  }
}
