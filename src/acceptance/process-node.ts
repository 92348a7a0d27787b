import { join } from "node:path";
import type { Spawned } from "../ports/spawn.ts";
import type { LogLine, NodeState, RunningNode, StartOptions } from "./node.ts";
import { parseStatuses, usageOf } from "./proc.ts";
import { familyOf } from "./process-family.ts";
import { holdPorts } from "./process-ports.ts";
import type { ProcessOptions, ProcessPorts } from "./process-target.ts";

interface Run extends ProcessOptions {
  readonly wanted: StartOptions;
}

interface Ending {
  readonly exitCode: number | undefined;
  readonly at: number;
}

/** A process and what was learnt of it: one for all that look at it under signals of their own. */
interface Made {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly data: string;
  readonly giveBack: () => Promise<void>;
  readonly ports: { readonly http: number; readonly grpc: number; readonly p2p: number };
  readonly started: number;
  readonly lines: LogLine[];
  readonly run: () => Promise<Spawned>;
  child: Spawned;
  ending: Ending | undefined;
  signalled: boolean;
}

/** In the folder of its data. */
const metricsFile = "metrics.json";

/** Starts the command on ports of loopback that no other run has, with a folder of its own for its data. */
export async function runProcess(
  { command, env, models, temporary, wanted }: Run,
  ports: ProcessPorts,
  signal: AbortSignal,
): Promise<RunningNode> {
  const { spawn, clock, files } = ports;
  const { ports: held, giveBack } = await holdPorts(3);
  let data: string | undefined;
  try {
    data = await files.mkdtemp(
      join(temporary, `director-${wanted.name.replaceAll(/[^a-z0-9]+/g, "-")}-`),
    );
    const [http = 0, grpc = 0, p2p = 0] = held;
    const bare = wanted.bare === true;
    const environment = {
      ...env,
      SUBSTRATE_WS_URL: wanted.chainUrl,
      MODELS_PATH: bare ? join(data, "none") : models,
      DATA_PATH: data,
      METRICS_FILE: join(data, metricsFile),
      LOG_FORMAT: "text",
      METRICS_PORT: String(http),
      GRPC_PORT: String(grpc),
      P2P_PORT: String(p2p),
      P2P_BOOTSTRAP_PEERS: wanted.peers.join(","),
      ...(bare ? { CUDA_VISIBLE_DEVICES: "" } : {}),
    };
    const lines: LogLine[] = [];
    const [program, ...args] = command;
    const onLine = (text: string) => void lines.push({ at: clock.now(), text });
    const run = () => spawn(program, args, { env: environment, onLine });
    signal.throwIfAborted();
    const started = clock.now();
    const made: Made = {
      ...{ name: wanted.name, environment, data, giveBack, ports: { http, grpc, p2p } },
      ...{ started, lines, run, child: await run(), ending: undefined, signalled: false },
    };
    watchEnd(made, ports);
    return nodeOf(made, ports, signal);
  } catch (error) {
    await giveBack();
    if (data !== undefined) await files.rm(data, { recursive: true, force: true });
    throw error;
  }
}

function watchEnd(made: Made, { clock }: Pick<ProcessPorts, "clock">): void {
  const { child } = made;
  void child.ended.then((exitCode) => {
    if (made.child === child) made.ending = { exitCode, at: clock.now() };
  });
}

function nodeOf(made: Made, ports: ProcessPorts, signal: AbortSignal): RunningNode {
  const { name, environment, data, started, lines } = made;
  const { http, grpc, p2p } = made.ports;
  const { exec, files } = ports;
  const family = () => familyOf(made.child.pid, files);
  return {
    ...{ name, started },
    under: (other) => nodeOf(made, ports, other),
    http: new URL(`http://127.0.0.1:${http}`),
    grpc: `127.0.0.1:${grpc}`,
    p2p: { host: "127.0.0.1", udp: p2p, tcp: p2p },
    multiaddrs: {
      quic: `/ip4/127.0.0.1/udp/${p2p}/quic-v1`,
      tcp: `/ip4/127.0.0.1/tcp/${p2p}`,
    },
    state: async () => stateOf(made),
    logs: async () => [...lines],
    exec: (program, ...args) => exec(program, args, { env: environment, signal }),
    pids: family,
    processes: async () =>
      parseStatuses(await texts(await familyOf(made.child.pid, files, true), "status", files)),
    leftovers: async () => parseStatuses(await texts(await family(), "status", files)),
    usage: async () => {
      const pids = await family();
      return usageOf(await texts(pids, "stat", files), await texts(pids, "status", files));
    },
    metricsFile: () => files.readFile(join(data, metricsFile), "utf8").catch(() => undefined),
    signal: async (what) => {
      signal.throwIfAborted();
      if (made.ending === undefined) made.signalled = true;
      // As in a container: who is killed takes everything that it started along.
      if (what === "SIGKILL") await made.child.killAll(family);
      else made.child.kill(what);
    },
    restart: async () => {
      signal.throwIfAborted();
      // As in a container: with its first process, all that it started has ended.
      await made.child.killAll(family);
      made.child = await made.run();
      made.ending = undefined;
      made.signalled = false;
      watchEnd(made, ports);
    },
    remove: async () => {
      await made.child.killAll(family);
      await made.giveBack();
      await files.rm(data, { recursive: true, force: true }).catch((error) => {
        ports.log.warning(`${data} is left: ${error instanceof Error ? error.message : error}`);
      });
    },
  };
}

function stateOf({ ending, signalled }: Made): NodeState {
  return {
    running: ending === undefined,
    outOfMemory: false,
    signalled,
    ...(ending === undefined ? {} : { ended: ending.at }),
    ...(ending?.exitCode === undefined ? {} : { exitCode: ending.exitCode }),
  };
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
