import { readFacts } from "../config/facts.ts";
import { choice } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { parseReference, placeName, type Reference } from "../images/reference.ts";
import { isComplete, type Lock } from "../models/lock.ts";
import { lockTag } from "../models/lock-text.ts";
import { completedFrom } from "../models/published.ts";
import { baseLabels, publishedTags } from "../pipeline/assemble.ts";
import { assembleImage } from "../pipeline/assemble-image.ts";
import { carried } from "../pipeline/carried.ts";
import { readLock } from "../pipeline/models.ts";
import type { Ports } from "../pipeline/ports.ts";
import { createdAt, described } from "../pipeline/prepare.ts";
import { readAll } from "../pipeline/run.ts";
import { type Runtime, runtimePlatforms } from "../pipeline/runtime-images.ts";
import type { Store } from "../ports/store.ts";
import { writeResult } from "../results/folder.ts";
import { deliveries } from "../results/stages.ts";
import type { Command } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

export const assembleCommand: Command = {
  name: "assemble",
  summary: "put the weights below a runtime image, by writing manifests only",
  example:
    "director-image assemble --runtime 127.0.0.1:5000/director@sha256:… --lock models.lock.json --to 127.0.0.1:5000/director",
  inputs: loginInputs,
  flags: [
    {
      flag: "--runtime <ref...>",
      description: "runtime image: an index, or one per platform",
      required: true,
    },
    {
      flag: "--lock <file>",
      description: "the models lock; an open one is completed from the models image at --to",
      default: "models.lock.json",
    },
    {
      flag: "--to <ref>",
      description:
        "repository or oci:DIR of the candidate, which has no tag until promote moves one",
      required: true,
    },
    {
      flag: "--delivery <hybrid|bake|mount>",
      description: "which models are baked",
      default: "hybrid",
    },
    {
      flag: "--results <dir>",
      description:
        "write the result there too, as promote wants it; the results there give labels, annotations and base images",
    },
  ],
  run: async (given, { ports, environment }) => {
    const to = candidatePlace(given.value("to") ?? "");
    const delivery = choice("--delivery", given.value("delivery") ?? "", deliveries);
    const { log, signal } = ports;
    const open = openWith(to, given, ports, environment);
    const target = open(to);
    const lock = await readComplete(given.value("lock") ?? "", target, ports);
    const runtimes = await runtimesAt(given.values("runtime"), open);
    const platforms = [...new Set(runtimes.map(({ platform }) => platform))];
    const results = given.value("results");
    const before = results === undefined ? undefined : await readAll(results, ports);
    const bases = new Map(
      before?.build.flatMap((built) =>
        built.platforms.map((entry) => [entry.digest, baseLabels(entry)]),
      ),
    );
    const facts = await readFacts(environment, ports);
    const plan = before?.prepare;
    const context = { ...facts, now: ports.clock.now() };
    const said = plan ?? described({ labels: [], annotations: [], platforms }, context, undefined);
    const image = { repository: placeName(to), digest: await target.manifestDigest(lockTag(lock)) };
    const result = await assembleImage(
      {
        runtimes: runtimes.map((runtime) => ({
          ...runtime,
          labels: bases.get(runtime.digest) ?? {},
        })),
        platforms,
        ...carried(lock, { delivery, labels: said.labels, image }),
        created: plan?.source.created ?? createdAt(facts),
        annotations: said.annotations,
        manifestAnnotations: said.manifestAnnotations,
        published: publishedTags({ tags: plan?.tags ?? [] }, facts),
        mayLackModels: false,
      },
      { weights: target, target, log, signal },
    );
    if (results !== undefined) await writeResult(ports.files, results, "assemble", result);
    return { json: result, text: [`${placeName(to)}@${result.digest}`] };
  },
};

/** An open lock is completed from the models image at the target. */
async function readComplete(path: string, target: Store, ports: Ports): Promise<Lock> {
  const lock = await readLock(path, ports);
  return isComplete(lock) ? lock : ((await completedFrom(target, lock)) ?? lock);
}

async function runtimesAt(
  texts: readonly string[],
  open: Ports["open"],
): Promise<readonly Runtime[]> {
  const references = texts.map(parseReference);
  const found = await Promise.all(
    references.map((reference) =>
      runtimePlatforms(reference.digest ?? reference.tag ?? "latest", open(reference)),
    ),
  );
  return found.flat();
}

function candidatePlace(text: string): Reference {
  const place = parseReference(text);
  if (place.tag === undefined && place.digest === undefined) return place;
  throw new UsageError(`--to: "${text}" has a tag or a digest; wanted a repository or oci:DIR.`, {
    todo: "A candidate has no tag: once it is scanned and accepted, director-image promote moves tags to it.",
  });
}
