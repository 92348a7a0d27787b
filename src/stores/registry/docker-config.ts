import { join } from "node:path";
import { CommandError, isError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";

/** How to prove to a registry who asks. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "identity"; readonly token: string }
  | { readonly kind: "bearer"; readonly token: string };

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry | undefined>>;
  readonly credHelpers?: Readonly<Record<string, string | undefined>>;
  readonly credsStore?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

export interface DockerConfigPorts {
  readonly files: Pick<Files, "readFile">;
  readonly exec: Exec;
  readonly log: Log;
  /** Stops a helper that is being asked. */
  readonly signal?: AbortSignal;
}

/** Helpers ask a key ring or a cloud; one that waits for something else waits for ever. Milliseconds. */
const longestAnswer = 30_000;

/**
 * What `docker login` kept for a registry in the config.json of this folder, as Docker itself looks it up; undefined: nothing. A
 * credential helper that does not answer within `limit` milliseconds is a CommandError.
 */
export async function dockerCredential(
  registry: string,
  folder: string,
  ports: DockerConfigPorts,
  limit = longestAnswer,
): Promise<Credential | undefined> {
  const config = await readConfig(join(folder, "config.json"), ports);
  const server = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  const helper =
    config.credHelpers?.[registry] ?? config.credHelpers?.[server] ?? config.credsStore;
  if (helper !== undefined && helper !== "") {
    const kept = await askHelper(helper, server, ports, limit);
    if (kept !== undefined) return kept;
  }
  return fromEntry(entryFor(config.auths ?? {}, server));
}

async function readConfig(
  path: string,
  { files, log }: Pick<DockerConfigPorts, "files" | "log">,
): Promise<DockerConfig> {
  try {
    const value: unknown = JSON.parse(await files.readFile(path, "utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    if (!isError(error) || error.code !== "ENOENT")
      log.warning(`${path} cannot be read, so its log-ins are not used.`);
    return {};
  }
}

/** Docker's keys may carry a scheme and a path (`https://host/v1/`). */
function entryFor(auths: NonNullable<DockerConfig["auths"]>, server: string): AuthEntry {
  const key = Object.keys(auths).find((name) => name === server);
  const near = key ?? Object.keys(auths).find((name) => hostOf(name) === hostOf(server));
  return (near === undefined ? undefined : auths[near]) ?? {};
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function fromEntry(entry: AuthEntry): Credential | undefined {
  if (entry.registrytoken) return { kind: "bearer", token: entry.registrytoken };
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken };
  const text = entry.auth ? Buffer.from(entry.auth, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  const username = colon > 0 ? text.slice(0, colon) : entry.username;
  const password = colon > 0 ? text.slice(colon + 1).replace(/\0+$/, "") : entry.password;
  return username && password ? { kind: "password", username, password } : undefined;
}

/** Runs `docker-credential-<helper> get` (docker/docker-credential-helpers protocol). */
async function askHelper(
  helper: string,
  server: string,
  { exec, log, signal }: Omit<DockerConfigPorts, "files">,
  limit: number,
): Promise<Credential | undefined> {
  const program = `docker-credential-${helper}`;
  const late = AbortSignal.timeout(limit);
  const stop = signal === undefined ? late : AbortSignal.any([signal, late]);
  try {
    const { code, stdout } = await exec(program, ["get"], { input: server, signal: stop });
    if (code === 0) return credentialOf(stdout);
    if (!stdout.includes("not found"))
      log.warning(`${program} gave no log-in for ${server} (exit code ${code}).`);
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) throw tooLate(program, server, limit);
    log.warning(
      `${program} gave no log-in for ${server}: ${isError(error) ? error.message : String(error)}`,
    );
  }
  return undefined;
}

function credentialOf(answer: string): Credential | undefined {
  const { Username, Secret } = JSON.parse(answer) as { Username?: string; Secret?: string };
  if (!Secret) return undefined;
  return Username === undefined || Username === "<token>"
    ? { kind: "identity", token: Secret }
    : { kind: "password", username: Username, password: Secret };
}

function tooLate(program: string, server: string, limit: number): CommandError {
  return new CommandError(
    `${program} gave no log-in for ${server} within ${Math.ceil(limit / 1000)} s, and was stopped.`,
    {
      todo: `See whether it waits for somebody: echo ${server} | ${program} get. Or take it out of Docker's config.json (credHelpers, credsStore).`,
    },
  );
}
