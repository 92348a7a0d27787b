import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Spawned } from "../ports/spawn.ts";
import type { LogLine, NodeState, RunningNode, StartOptions } from "./node.ts";
import { parseStatuses, usageOf } from "./proc.ts";
import { family, texts, withVariable } from "./proc-files.ts";
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
  const data = await files.mkdtemp(join(temporary, `${wanted.name}-`));
  const ports = { http: await freePort(), grpc: await freePort(), p2p: await freePort() };
  const { http, grpc, p2p } = ports;
  const environment = { ...env, ...variables(wanted, { models, data, ports }) };
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
  await run().catch(async (error: unknown) => {
    await files.rm(data, { recursive: true });
    throw error;
  });
  const below = () => family(child.pid, files);
  /** Processes of it wherever they hang: the sidecar has a process group of its own, and is nobody's child when the node has ended. */
  const own = () => withVariable(`DATA_PATH=${data}`, files);
  const killAll = async () => {
    await child.killAll();
    const pids = await own();
    if (pids.length > 0) await exec("kill", ["-KILL", ...pids]);
  };
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
    multiaddrs: {
      quic: `/ip4/127.0.0.1/udp/${p2p}/quic-v1`,
      tcp: `/ip4/127.0.0.1/tcp/${p2p}`,
    },
    state,
    logs: async () => [...lines],
    exec: (program, ...args) => exec(program, args, { env: environment }),
    pids: below,
    processes: async () => parseStatuses(await texts(await below(), "status", files)),
    usage: async () => {
      const pids = await below();
      return usageOf(await texts(pids, "stat", files), await texts(pids, "status", files));
    },
    // As in a container: who is killed takes everything that it started along.
    signal: async (name) => (name === "SIGKILL" ? killAll() : void child.kill(name)),
    restart: async () => {
      // As in a container: with its first process, all that it started has ended.
      await killAll();
      await run();
    },
    leftovers: async () => parseStatuses(await texts(await own(), "status", files)),
    remove: async () => {
      await killAll();
      await child.ended;
      await files.rm(data, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly models: string;
  readonly data: string;
  readonly ports: { readonly http: number; readonly grpc: number; readonly p2p: number };
}

/** What a node is told by its environment. Pure. */
function variables(
  { bare = false, chainUrl, peers }: StartOptions,
  { models, data, ports }: Place,
): Readonly<Record<string, string>> {
  return {
    SUBSTRATE_WS_URL: chainUrl,
    MODELS_PATH: bare ? join(data, "none") : models,
    DATA_PATH: data,
    // What it leaves there when it is killed goes with the folder. The sidecar's socket is there: its path has 107 bytes at most.
    ...(data.length < 80 ? { TMPDIR: data } : {}),
    METRICS_PORT: String(ports.http),
    GRPC_PORT: String(ports.grpc),
    P2P_PORT: String(ports.p2p),
    P2P_BOOTSTRAP_PEERS: peers.join(","),
    ...(bare ? { CUDA_VISIBLE_DEVICES: "" } : {}),
  };
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
