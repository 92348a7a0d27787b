import { basename } from "node:path";
import { CheckError, CommandError, RemoteError, UsageError } from "../errors.ts";
import type { ExecResult } from "../ports/exec.ts";
import { noDaemon } from "./docker.ts";
import type { Source } from "./dockerfile.ts";
import { howToEmulate } from "./emulation.ts";
import { failedStep, type Progress } from "./progress.ts";

type Failure = UsageError | CheckError | CommandError | RemoteError;
type Explanation = readonly [said: RegExp, error: (line: string) => Failure];

/** What buildx says where it is not the Dockerfile's fault. */
const explanations: readonly Explanation[] = [
  [/target stage ".*" could not be found/, (line) => new UsageError(`target: ${line}.`)],
  [
    /failed to read dockerfile|dockerfile cannot be empty/,
    (line) => new UsageError(`file: ${line}.`),
  ],
  [
    /unable to prepare context|failed to get build context/,
    (line) => new UsageError(`context: ${line}.`),
  ],
  [/no builder ".*" found/, (line) => new UsageError(`builder: ${line}.`)],
  [
    /entitlement .* is not allowed|granting entitlement/,
    (line) =>
      new UsageError(`allow: ${line}.`, {
        todo: "The builder must allow it too: insecure-entitlements in its buildkitd-config.",
      }),
  ],
  [
    /(could not|failed to) (parse|read) ssh|invalid empty ssh agent socket/,
    (line) => new UsageError(`ssh: ${line}.`),
  ],
  [
    /OCI exporter is not supported for the docker driver|multi-platform build is not supported for the docker driver|multiple platforms feature is currently not supported/i,
    () => noContainerdStore(),
  ],
  [
    /no space left on device/,
    (line) =>
      new CommandError(`The builder's disk is full: ${line}.`, {
        todo: "docker buildx prune and docker system df show and free it; or take a builder on another machine.",
      }),
  ],
  [
    /failed to (push|authorize|fetch oauth token)|unexpected status from (PUT|POST|PATCH) request|push access denied|authorization failed/,
    (line) =>
      new RemoteError(`The registry did not take the image: ${line}.`, {
        todo: "Look at registry-username and registry-password, and at what they may write; on GHCR give the job `permissions: packages: write`.",
      }),
  ],
  [
    /failed to resolve source metadata.*(dial tcp|timeout|TLS handshake|EOF|connection re|status.*: (5\d\d|429)|toomanyrequests)/i,
    (line) => new RemoteError(`A base image cannot be fetched: ${line}.`),
  ],
  [/unknown flag/, (line) => new CommandError(`This buildx is too old: ${line}.`)],
];

export function noContainerdStore(): CommandError {
  return new CommandError(
    "This Docker engine keeps images in its classic store: the docker driver can then neither export an OCI layout nor build several platforms.",
    {
      todo: 'Turn the containerd store on ("features": {"containerd-snapshotter": true} in daemon.json), or take driver: docker-container.',
    },
  );
}

/** The error of a build that failed: by who must act, with the step, its last lines and the place in the Dockerfile. Pure. */
export function buildError(
  source: Source,
  { code, stderr }: ExecResult,
  progress: Progress,
): Failure {
  const { messages } = progress;
  const step = failedStep(progress);
  if (step?.tail.some((line) => /exec format error/.test(line)))
    return new CommandError(`The builder cannot run this platform's programs: ${step.name}.`, {
      todo: howToEmulate,
    });
  const said = finalMessage(messages);
  const exit = /^process ".*" did not complete successfully: (exit code: \d+)$/s.exec(said)?.[1];
  const known = explanations.find(([pattern]) => exit === undefined && pattern.test(said));
  if (known !== undefined) return known[1](said);
  const daemon = noDaemon(stderr);
  if (exit === undefined && daemon !== undefined) return daemon;
  const at = placeIn(messages, source);
  if (step === undefined && at === undefined)
    return new CommandError(`The build failed: ${said || `exit status ${code}, without a word`}.`);
  return new CheckError(
    [
      `${at?.place ?? basename(source.file)}: the build failed: ${exit ?? said}`,
      ...(at?.instruction === undefined ? [] : [`the line: ${at.instruction}`]),
      ...(step === undefined ? [] : [`the step: ${step.name}`]),
      ...(step?.tail.length ? ["its last lines:", ...step.tail.map((text) => `| ${text}`)] : []),
    ].join("\n  "),
    { todo: "Nothing was published. The whole output is in the log above." },
  );
}

function finalMessage(messages: readonly string[]): string {
  const at = messages.findLastIndex((line) => line.startsWith("ERROR: "));
  return messages
    .slice(at === -1 ? -1 : at)
    .join("\n")
    .replace(/^ERROR: (failed to build: )?(failed to solve: )?/, "")
    .replace(/\.$/, "");
}

/** buildx shows the place as `Dockerfile:3` and the instruction's lines marked by `>>>`. */
function placeIn(messages: readonly string[], { file }: Source) {
  const name = basename(file);
  const place = messages.find((line) => line.startsWith(`${name}:`) && /:\d+$/.test(line));
  if (place === undefined) return undefined;
  const marked = messages.flatMap((line) => /^\s*\d+ \| >>> (.*)$/.exec(line)?.[1] ?? []);
  return { place, instruction: marked.length === 0 ? undefined : marked.join(" ") };
}
