import { CommandError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { inspect, logsOf, type Place, pidsOf, placeOf, stateOf } from "./container-answers.ts";
import { metricsFile, type Run, runArguments, volumeOf } from "./container-arguments.ts";
import { type SeenFromHere, seenFromHere } from "./container-proc.ts";
import { absentProgram, cleaningTime, type Docker, type DockerCli, must } from "./docker-cli.ts";
import type { LogLine, NodeProcess, RunningNode } from "./node.ts";
import { parseStatuses, parseUsage, statusScript, usageFiles } from "./proc.ts";

interface Ports {
  readonly docker: Docker;
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "readdir" | "readFile">;
  readonly log: Pick<Log, "warning">;
}

/** A container, and what was learnt of it: one for all that look at it under signals of their own. */
interface Container {
  readonly name: string;
  readonly run: Run;
  readonly started: number;
  readonly refused: string | undefined;
  place: Place;
  signalled: boolean;
  lines: readonly LogLine[];
  removed: boolean;
}

/** Starts a container; one that Docker refuses to start is still a node, whose state says why. */
export async function runContainer(
  run: Run,
  ports: Ports,
  signal: AbortSignal,
): Promise<RunningNode> {
  const name = `${run.network}-${run.wanted.name.replaceAll(/[^a-z0-9]+/g, "-")}`;
  const docker = ports.docker(signal);
  const made = { name, run, started: ports.clock.now(), signalled: false };
  const container = { ...made, lines: [], removed: false };
  try {
    const { code, stderr } = await docker("run", ...runArguments(run, name));
    const refused = code === 0 ? undefined : stderr.trim().replace(/\s*Run 'docker run .*$/s, "");
    const place = await placeOf(name, run.network, docker);
    return nodeOf({ ...container, refused, place }, ports, signal);
  } catch (error) {
    await remove(container, ports);
    throw error;
  }
}

function nodeOf(made: Container, ports: Ports, signal: AbortSignal): RunningNode {
  const { name, run, started, refused } = made;
  const docker = ports.docker(signal);
  const pids = () => pidsOf(name, docker);
  const look = async () => seenFromHere(made.place.id, await pids(), ports.files);
  return {
    name: run.wanted.name,
    started,
    under: (other) => nodeOf(made, ports, other),
    get http() {
      return new URL(`http://127.0.0.1:${made.place.ports["9100/tcp"]}`);
    },
    get grpc() {
      return `127.0.0.1:${made.place.ports["50051/tcp"]}`;
    },
    get p2p() {
      const { "9000/udp": udp, "9000/tcp": tcp } = made.place.ports;
      return { host: "127.0.0.1", udp, tcp };
    },
    get multiaddrs() {
      const host = `/ip4/${made.place.address}`;
      return { quic: `${host}/udp/9000/quic-v1`, tcp: `${host}/tcp/9000` };
    },
    state: async () => ({
      ...stateOf((await inspect(name, docker))?.State, run.ahead),
      ...(refused === undefined ? {} : { error: refused }),
      signalled: made.signalled,
    }),
    logs: async () => {
      if (!made.removed) made.lines = (await logsOf(name, run.ahead, docker)) ?? made.lines;
      return made.lines;
    },
    exec: (command, ...args) => docker("exec", name, command, ...args),
    pids,
    processes: async () => processesOf(await look(), name, docker),
    usage: async () =>
      parseUsage(
        (await look())?.usage ||
          (await docker("exec", name, "grep", "-H", "", ...usageFiles)).stdout,
      ),
    leftovers: async () => [],
    metricsFile: async () => {
      // As a tar archive on standard output, whose header has no braces; the container may have ended.
      const { code, stdout } = await docker("cp", `${name}:${metricsFile}`, "-");
      return code === 0
        ? stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1)
        : undefined;
    },
    signal: async (signalName) => {
      const { code } = await docker("kill", "--signal", signalName, name);
      if (code === 0) made.signalled = true;
    },
    restart: async () => {
      await must(docker, "start", name);
      made.signalled = false;
      made.place = await placeOf(name, run.network, docker);
    },
    remove: () => remove(made, ports),
  };
}

/** Takes it away whatever became of the run; its last words are kept. */
async function remove(
  made: Pick<Container, "name" | "run" | "lines" | "removed">,
  { docker, log }: Pick<Ports, "docker" | "log">,
): Promise<void> {
  if (made.removed) return;
  const { name, run } = made;
  const last = docker(AbortSignal.timeout(cleaningTime));
  try {
    made.lines = (await logsOf(name, run.ahead, last)) ?? made.lines;
    await must(last, "rm", "--force", "--volumes", name);
    await must(last, "volume", "rm", "--force", volumeOf(name));
    made.removed = true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // At the end of a run that was stopped, all that it made is taken away at the same time.
    if (!why.includes("already in progress")) log.warning(`${name} is left: ${why}`);
  }
}

/** As this machine's kernel tells, else as a shell of the image does. */
async function processesOf(
  seen: SeenFromHere | undefined,
  name: string,
  docker: DockerCli,
): Promise<readonly NodeProcess[]> {
  if (seen !== undefined) return parseStatuses(seen.statuses);
  const { code, stdout, stderr } = await docker("exec", name, "sh", "-c", statusScript);
  if (code === 0) return parseStatuses(stdout);
  const absent = absentProgram(stderr + stdout);
  const why =
    absent === undefined
      ? stderr.trim()
      : `they run on another machine, and the image has no ${absent}`;
  throw new CommandError(`Its processes cannot be seen: ${why}.`);
}
