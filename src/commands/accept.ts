import { dirname, resolve } from "node:path";
import { parseArgsStringToArgv } from "string-argv";
import { gpusFor } from "../acceptance/gpus.ts";
import { processTarget } from "../acceptance/process-target.ts";
import { accept, checkLine } from "../acceptance/run.ts";
import type { AcceptanceInputs } from "../config/config.ts";
import type { InputName } from "../config/inputs.ts";
import { acceptanceInputs, withDefaults } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { digestOf } from "../images/digest.ts";
import { parseReference } from "../images/reference.ts";
import type { Lock } from "../models/lock.ts";
import { acceptImage } from "../pipeline/accept-image.ts";
import { acceptOptions } from "../pipeline/accept-options.ts";
import { readLock } from "../pipeline/models.ts";
import type { Ports } from "../pipeline/ports.ts";
import { chart } from "../report/chart.ts";
import { junit } from "../report/junit.ts";
import { writeResult } from "../results/folder.ts";
import type { AcceptResult } from "../results/stages.ts";
import type { Command, Given } from "./command.ts";

const thresholds: readonly InputName[] = [
  ...(["gpu", "startup-timeout", "shutdown-timeout", "max-vram", "max-image-size"] as const),
  ...(["min-driver", "acceptance-memory", "acceptance-cpus", "acceptance-slots"] as const),
  "chain-url",
];

/** An image that could not be looked at (no Docker, no room, no weights) is no image that is fit to run. */
const exitCodes = { passed: 0, failed: 1, inconclusive: 1, skipped: 3 } as const;

export const acceptCommand: Command = {
  name: "accept",
  summary: "start an image (or a command), watch it and stop it",
  example:
    "director-image accept 127.0.0.1:5000/director@sha256:… --lock models.lock.json --junit accept.xml",
  arguments: "[ref]",
  inputs: thresholds,
  flags: [
    {
      flag: "--process <command>",
      description: "a command on this machine instead of an image; split into words, no shell",
    },
    {
      flag: "--models-path <dir>",
      description: "where that command finds its models",
      default: "/models",
    },
    { flag: "--lock <file>", description: "the models lock; without it, the image has no models" },
    { flag: "--junit <file>", description: "also write the checks as JUnit XML" },
    { flag: "--chart <file>", description: "also write start and memory as SVG" },
    { flag: "--results <dir>", description: "also write the result there, as promote wants it" },
  ],
  run: async (given, { ports, environment }) => {
    const [text] = given.arguments;
    const command = given.value("process");
    if ((text === undefined) === (command === undefined))
      throw new UsageError("accept: give either a reference or --process.");
    await makeRoom([given.value("junit"), given.value("chart")], ports);
    const inputs = acceptanceInputs(withDefaults((name) => given.value(name)));
    const path = given.value("lock");
    const lock = path === undefined ? undefined : await readLock(path, ports);
    const result =
      command === undefined
        ? await acceptReference(text ?? "", lock, inputs, ports)
        : await acceptProcess(
            { text: command, models: given.value("models-path") ?? "", lock },
            inputs,
            { ...ports, temporary: environment.temporary },
          );
    await writeViews(result, given, ports);
    return { json: result, text: textOf(result), exitCode: exitCodes[result.verdict] };
  },
};

async function acceptReference(
  text: string,
  lock: Lock | undefined,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<AcceptResult> {
  const reference = parseReference(text);
  const store = ports.open(reference);
  const tag = reference.tag ?? "latest";
  const digest = reference.digest ?? (await store.manifestDigest(tag));
  if (digest === undefined)
    throw new UsageError(`${text}: ${store.name} has no image ${tag}.`, {
      todo: "Give an image that is there, such as REPOSITORY@sha256:….",
    });
  return acceptImage({ store, digest, lock }, inputs, ports);
}

async function acceptProcess(
  { text, models, lock }: { text: string; models: string; lock: Lock | undefined },
  inputs: AcceptanceInputs,
  ports: Ports & { readonly temporary: string },
): Promise<AcceptResult> {
  const [program, ...args] = parseArgsStringToArgv(text);
  if (program === undefined) throw new UsageError("--process: the command is empty.");
  const target = processTarget(
    {
      command: [program, ...args],
      env: ports.env,
      models: resolve(models),
      temporary: ports.temporary,
    },
    ports,
  );
  const gpus = await gpusFor(inputs.gpu, ports.exec);
  const options = { ...acceptOptions({ lock }, inputs, ports.home), gpus };
  const acceptance = await accept(target, options, ports);
  return { digest: digestOf(text), platform: "", ...acceptance };
}

/** Makes the folders of files that are written at the end: a run takes minutes, and is not lost for a name. */
async function makeRoom(
  paths: readonly (string | undefined)[],
  { files }: Pick<Ports, "files">,
): Promise<void> {
  for (const path of paths.filter((one) => one !== undefined)) {
    const refused = (cause?: unknown) =>
      new UsageError(`${path} cannot be written.`, { cause, todo: "Give another file." });
    await files.mkdir(dirname(resolve(path)), { recursive: true }).catch((cause) => {
      throw refused(cause);
    });
    const there = await files.stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw refused();
  }
}

async function writeViews(result: AcceptResult, given: Given, { files }: Ports): Promise<void> {
  const [xml, svg, results] = [given.value("junit"), given.value("chart"), given.value("results")];
  if (xml !== undefined) await files.writeFile(xml, junit(result));
  if (svg !== undefined) await files.writeFile(svg, chart(result));
  if (results !== undefined) await writeResult(files, results, "accept", result);
}

function textOf({ verdict, reason, checks }: AcceptResult): readonly string[] {
  return [...checks.map(checkLine), `${verdict}${reason === undefined ? "" : ` (${reason})`}`];
}
