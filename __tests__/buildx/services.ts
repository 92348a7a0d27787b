import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Docker } from "../../src/buildx/docker.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { parsePlace } from "../../src/images/reference.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { openStore } from "../../src/stores/open.ts";
import type { RegistryOptions } from "../../src/stores/registry/registry-store.ts";

/** A variable of scripts/services.sh; without it the test fails. */
export function service(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  throw new Error(`${name} is not set: run the tests by scripts/services.sh run npm test.`);
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

export function docker(more: Readonly<Record<string, string>> = {}): Docker {
  return { exec, env: { ...environment(), DOCKER_HOST: service("DOCKER_HOST"), ...more } };
}

/** A log that keeps what it is told. */
export interface Recorder extends Log {
  readonly lines: string[];
  readonly masked: string[];
}

export function recorder(): Recorder {
  const lines: string[] = [];
  const masked: string[] = [];
  return {
    lines,
    masked,
    debug: () => undefined,
    info: (message) => lines.push(message),
    warning: (message) => lines.push(message),
    mask: (secret) => masked.push(secret),
    group: (title, work) => {
      lines.push(title);
      return work();
    },
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
}

/** Opens a repository of a loopback registry, or a layout. */
export function storeAt(place: string, given?: RegistryOptions["login"]): Store {
  const ports = { fetch: httpFetch(), files, clock, log: recorder(), exec };
  return openStore(parsePlace(place), given === undefined ? {} : { login: given }, ports);
}

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Where it keeps everything that it was sent. */
  readonly data: string;
  stop(): Promise<void>;
}

/** A registry of its own on a free port, empty; `more` is further YAML of its configuration. */
export async function startRegistry(more = ""): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), "registry-"));
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/data } }\nhttp: { addr: "${address}" }\n${more}`,
  );
  const child = spawn(service("TEST_REGISTRY_BIN"), ["serve", config], { stdio: "ignore" });
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(`http://${address}/v2/`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, data: join(folder, "data"), stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("no free port");
}

async function answers(url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200 || status === 401) return;
    if (Date.now() > deadline) throw new Error(`${url} does not answer`);
    await setTimeout(50);
  }
}
