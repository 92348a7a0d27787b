import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Spawned } from "../ports/spawn.ts";
import type { LogLine, NodeState, RunningNode, StartOptions } from "./node.ts";
import { descendants, parentOf, parseStatuses, usageOf } from "./proc.ts";
import type { ProcessOptions, ProcessPorts } from "./process-target.ts";

interface Run extends ProcessOptions {
  readonly wanted: StartOptions;
}

interface Ending {
  readonly exitCode: number | undefined;
  readonly at: number;
}

/** Starts the command on free ports of loopback, with a folder of its own for its data. */
export async function runProcess(
  { command, env, models, temporary, wanted }: Run,
  { spawn, exec, clock, files }: ProcessPorts,
): Promise<RunningNode> {
  const data = await files.mkdtemp(join(temporary, `director-${wanted.name}-`));
  const metricsFile = join(data, "metrics.json");
  const [http, grpc, p2p] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    ...env,
    SUBSTRATE_WS_URL: wanted.chainUrl,
    MODELS_PATH: wanted.bare === true ? join(data, "none") : models,
    DATA_PATH: data,
    METRICS_FILE: metricsFile,
    METRICS_PORT: String(http),
    GRPC_PORT: String(grpc),
    P2P_PORT: String(p2p),
    P2P_BOOTSTRAP_PEERS: wanted.peers.join(","),
    ...(wanted.bare === true ? { CUDA_VISIBLE_DEVICES: "" } : {}),
  };
  const lines: LogLine[] = [];
  let child: Spawned;
  let ending: Ending | undefined;
  const run = async () => {
    ending = undefined;
    const [program, ...args] = command;
    const onLine = (text: string) => void lines.push({ at: clock.now(), text });
    child = await spawn(program, args, { env: environment, onLine });
    const mine = child;
    void mine.ended.then((exitCode) => {
      if (mine === child) ending = { exitCode, at: clock.now() };
    });
  };
  const started = clock.now();
  await run();
  const below = async () => descendants(child.pid, await parents(files));
  const state = async (): Promise<NodeState> => ({
    running: ending === undefined,
    outOfMemory: false,
    ...(ending === undefined ? {} : { ended: ending.at }),
    ...(ending?.exitCode === undefined ? {} : { exitCode: ending.exitCode }),
  });
  return {
    name: wanted.name,
    started,
    http: new URL(`http://127.0.0.1:${http}`),
    grpc: `127.0.0.1:${grpc}`,
    p2p: { host: "127.0.0.1", udp: p2p, tcp: p2p },
    multiaddr: `/ip4/127.0.0.1/udp/${p2p}/quic-v1`,
    state,
    logs: async () => [...lines],
    exec: (program, ...args) => exec(program, args, { env: environment }),
    pids: below,
    processes: async () => parseStatuses(await texts(await below(), "status", files)),
    usage: async () => {
      const pids = await below();
      return usageOf(await texts(pids, "stat", files), await texts(pids, "status", files));
    },
    metricsFile: () => files.readFile(metricsFile, "utf8").catch(() => undefined),
    // As in a container: who is killed takes everything that it started along.
    signal: async (name) => (name === "SIGKILL" ? child.killAll() : void child.kill(name)),
    restart: async () => {
      // As in a container: with its first process, all that it started has ended.
      await child.killAll();
      await run();
    },
    remove: async () => {
      await child.killAll();
      await child.ended;
      await files.rm(data, { recursive: true, force: true });
    },
  };
}

/** The parent of every process of this machine. */
async function parents({
  readdir,
  readFile,
}: Pick<ProcessPorts["files"], "readdir" | "readFile">): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      return [pid, parentOf(stat)] as const;
    }),
  );
  return new Map(all);
}

/** One of the files of each process, those that are still there, one after the other. */
async function texts(
  pids: ReadonlySet<number>,
  name: "stat" | "status",
  { readFile }: Pick<ProcessPorts["files"], "readFile">,
): Promise<string> {
  const all = [...pids].map((pid) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => ""));
  return (await Promise.all(all)).join("");
}

/** A port that is free for TCP and UDP. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = createSocket("udp4");
    const isFree = await new Promise<boolean>((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind(port, "127.0.0.1", () => resolve(true));
    });
    socket.close();
    server.close();
    await once(server, "close");
    if (isFree) return port;
  }
}
