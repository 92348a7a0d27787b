import { basename } from "node:path";
import { CheckError, CommandError, RemoteError, UsageError } from "../errors.ts";
import type { ExecResult } from "../ports/exec.ts";
import { noDaemon } from "./docker.ts";
import type { Source } from "./dockerfile.ts";
import { howToEmulate } from "./emulation.ts";
import { failedStep, type Progress } from "./progress.ts";

type Failure = UsageError | CheckError | CommandError | RemoteError;
type Explanation = readonly [said: RegExp, error: (line: string) => Failure];

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
  [
    /no builder ".*" found/,
    (line) =>
      new UsageError(`builder: ${line}.`, { todo: "docker buildx ls names those that are there." }),
  ],
  [
    /entitlement .* is not allowed|granting entitlement/,
    (line) =>
      new UsageError(`allow: ${line}.`, {
        todo: "The builder must allow it too: its configuration (buildkitd-config), insecure-entitlements.",
      }),
  ],
  [
    /(could not|failed to) (parse|read) ssh|invalid empty ssh agent socket/,
    (line) => new UsageError(`ssh: ${line}.`),
  ],
  [
    /OCI exporter is not supported for the docker driver|[Mm]ulti-platform build is not supported for the docker driver|multiple platforms feature is currently not supported/,
    () => noContainerdStore(),
  ],
  [
    /no space left on device/,
    (line) =>
      new CommandError(`The disk of the builder is full: ${line}.`, {
        todo: "docker buildx prune, docker system df; or a builder on another machine.",
      }),
  ],
  [
    /exec format error/,
    (line) =>
      new CommandError(`The builder cannot run programs of this platform: ${line}.`, {
        todo: howToEmulate,
      }),
  ],
  [
    /failed to (push|authorize|fetch oauth token)|unexpected status from (PUT|POST|PATCH|HEAD) request|push access denied|authorization failed/,
    (line) =>
      new RemoteError(`The registry did not take the image: ${line}.`, {
        todo: "Look at registry-username, registry-password and what they may write.",
      }),
  ],
  [
    /failed to resolve source metadata.*(dial tcp|timeout|TLS|EOF|connection re|5\d\d|429)|failed to do request/,
    (line) => new RemoteError(`A base image cannot be fetched: ${line}.`),
  ],
  [/unknown flag/, (line) => new CommandError(`buildx is too old: ${line}.`)],
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
  const final = messages.findLast((line) => line.startsWith("ERROR: ")) ?? messages.at(-1) ?? "";
  const line = final
    .replace(/^ERROR: (failed to build: )?(failed to solve: )?/, "")
    .replace(/\.$/, "");
  const cause = new CommandError(`docker buildx build ended with exit status ${code}.`);
  const known = explanations.find(([said]) => said.test(line));
  if (known !== undefined) return known[1](line);
  const daemon = noDaemon(stderr, cause);
  if (daemon !== undefined) return daemon;
  const step = failedStep(progress);
  const at = placeIn(messages, source);
  if (step === undefined && at === undefined)
    return new CommandError(`The build failed: ${line || `exit status ${code}, without a word`}.`);
  return new CheckError(
    [
      `${at?.place ?? basename(source.file)}: the build failed: ${line}`,
      ...(at?.instruction === undefined ? [] : [`the line: ${at.instruction}`]),
      ...(step === undefined ? [] : [`the step: ${step.name}`]),
      ...(step?.tail.length ? ["its last lines:", ...step.tail.map((text) => `| ${text}`)] : []),
    ].join("\n  "),
    { todo: "Nothing was published. The whole output is in the log above." },
  );
}

/** buildx shows the place as `Dockerfile:3` and the instruction's lines marked by `>>>`. */
function placeIn(messages: readonly string[], { file }: Source) {
  const name = basename(file);
  const place = messages.find((line) => line.startsWith(`${name}:`) && /:\d+$/.test(line));
  if (place === undefined) return undefined;
  const marked = messages.flatMap((line) => /^\s*\d+ \| >>> (.*)$/.exec(line)?.[1] ?? []);
  return { place, instruction: marked.length === 0 ? undefined : marked.join(" ") };
}
