import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { stop, until } from "./process.ts";
import type { Scratch } from "./scratch.ts";
import { service } from "./services.ts";

/** A line of the registry's access log. */
export interface Access {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the answer's body. */
  readonly bytes: number;
  readonly agent: string;
}

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** What was asked since the last call. */
  accesses(): Promise<readonly Access[]>;
}

/** A real registry, empty, for as long as the scratch lives. */
export async function startRegistry(scratch: Scratch): Promise<Registry> {
  const folder = await scratch.folder("registry");
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${folder}/data } }
http: { addr: "${address}" }
`,
  );
  const child = spawn(service("TEST_REGISTRY_BIN"), ["serve", config], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
  });
  scratch.later(() => stop(child));
  let log = "";
  child.stdout.on("data", (bytes: Buffer) => {
    log += bytes.toString();
  });
  await until(`The registry on ${address}`, () => answers(`http://${address}/v2/`));
  const accesses = async () => {
    await marked();
    const lines = log.split("\n");
    log = "";
    return lines.flatMap(accessOf).filter(({ path }) => !path.startsWith("/v2/?mark="));
  };
  /** The log comes through a pipe: a request that shows in it was logged after all those before. */
  const marked = async () => {
    const mark = `/v2/?mark=${performance.now()}`;
    await answers(`http://${address}${mark}`);
    await until("The registry's access log", async () => log.includes(mark));
  };
  await accesses();
  return { address, accesses };
}

/** Combined log format: `127.0.0.1 - - [time] "GET /v2/ HTTP/1.1" 200 2 "" "agent"`. */
function accessOf(line: string): Access[] {
  const match = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+) (\d+) "[^"]*" "([^"]*)"/.exec(line);
  if (match === null) return [];
  const [, method = "", path = "", status, bytes, agent = ""] = match;
  return [{ method, path, status: Number(status), bytes: Number(bytes), agent }];
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok === true;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}
