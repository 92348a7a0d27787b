import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { service } from "./service.ts";

export interface RegistryProcess {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Where it keeps everything that it was sent. */
  readonly data: string;
  /** From now on these may log in, and nobody else (htpasswd); only where it was started with such. */
  letIn(htpasswd: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a real registry, empty, with a folder of its own. `variable` names the environment variable with its program. */
export async function startRegistryProcess({
  variable = "TEST_REGISTRY_BIN",
  htpasswd,
}: {
  readonly variable?: "TEST_REGISTRY_BIN" | "TEST_OLD_REGISTRY_BIN";
  /** Who may log in: lines `NAME:BCRYPT`. */
  readonly htpasswd?: string | undefined;
} = {}): Promise<RegistryProcess> {
  const program = service(variable);
  const folder = await mkdtemp(join(tmpdir(), "registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  const users = join(folder, "htpasswd");
  const letIn = (lines: string) => writeFile(users, `${lines}\n`);
  if (htpasswd !== undefined) await letIn(htpasswd);
  await writeFile(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }
http: { addr: ${host} }
${htpasswd === undefined ? "" : `auth: { htpasswd: { realm: test, path: ${users} } }`}
`,
  );
  const child = spawn(program, ["serve", config], { stdio: "ignore" });
  const close = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(host, child);
  } catch (error) {
    await close();
    throw error;
  }
  return { host, data: join(folder, "data"), letIn, close };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}

async function ready(host: string, child: ChildProcess): Promise<void> {
  let failure: unknown;
  child.once("error", (error) => {
    failure = error;
  });
  for (let tries = 0; tries < 200; tries += 1) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`The registry ended with ${child.exitCode}.`);
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200 || answer?.status === 401) return;
    await setTimeout(50);
  }
  throw new Error(`The registry on ${host} did not answer in 10 s.`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(5_000, "late", { ref: false });
  if ((await Promise.race([exit, late])) === "late") {
    child.kill("SIGKILL");
    await exit;
  }
}
