import { readFacts } from "../config/facts.ts";
import { choice } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { names } from "../images/names.ts";
import { parseReference, placeName, type Reference } from "../images/reference.ts";
import { isComplete } from "../models/lock.ts";
import { lockTag } from "../models/lock-text.ts";
import { completedFrom } from "../models/published.ts";
import { baseLabels } from "../pipeline/assemble.ts";
import { assembleImage } from "../pipeline/assemble-image.ts";
import { delivered } from "../pipeline/delivery.ts";
import { readLock } from "../pipeline/models.ts";
import { readAll } from "../pipeline/run.ts";
import { runtimePlatforms } from "../pipeline/runtime-images.ts";
import { writeResult } from "../results/folder.ts";
import { deliveries } from "../results/stages.ts";
import type { Command } from "./command.ts";

export const assembleCommand: Command = {
  name: "assemble",
  summary: "put the weights below a runtime image, by writing manifests only",
  example:
    "director-image assemble --runtime 127.0.0.1:5000/director@sha256:… --lock models.lock.json --to 127.0.0.1:5000/director",
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
        "write the result there too, as promote wants it; build's result there names the base images",
    },
  ],
  run: async (given, { ports, environment }) => {
    const to = candidatePlace(given.value("to") ?? "");
    const delivery = choice("--delivery", given.value("delivery") ?? "", deliveries);
    const { open, log, signal } = ports;
    const written = await readLock(given.value("lock") ?? "", ports);
    const target = open(to);
    const lock = isComplete(written)
      ? written
      : ((await completedFrom(target, written)) ?? written);
    const references = given.values("runtime").map((text) => parseReference(text));
    const runtimes = (
      await Promise.all(
        references.map((reference) =>
          runtimePlatforms(reference.digest ?? reference.tag ?? "latest", open(reference)),
        ),
      )
    ).flat();
    const results = given.value("results");
    const built = results === undefined ? [] : (await readAll(results, ports)).build;
    const bases = new Map(
      built.flatMap(({ platforms }) => platforms.map((entry) => [entry.digest, baseLabels(entry)])),
    );
    const facts = await readFacts(environment, ports);
    const models = await target.manifestDigest(lockTag(lock));
    const result = await assembleImage(
      {
        runtimes: runtimes.map((runtime) => ({
          ...runtime,
          labels: bases.get(runtime.digest) ?? {},
        })),
        platforms: [...new Set(runtimes.map(({ platform }) => platform))],
        ...delivered(lock, delivery),
        created: new Date(facts.commitTime * 1000).toISOString().replace(".000Z", "Z"),
        labels: models === undefined ? {} : { [names.models]: `${placeName(to)}@${models}` },
        annotations: {},
        manifestAnnotations: {},
        published: ["latest"],
        mayLackModels: false,
      },
      { weights: target, target, log, signal },
    );
    if (results !== undefined) await writeResult(ports.files, results, "assemble", result);
    return { json: result, text: [`${placeName(to)}@${result.digest}`] };
  },
};

function candidatePlace(text: string): Reference {
  const place = parseReference(text);
  if (place.tag === undefined && place.digest === undefined) return place;
  throw new UsageError(`--to: "${text}" has a tag or a digest; wanted a repository or oci:DIR.`, {
    todo: "A candidate has no tag: once it is scanned and accepted, director-image promote moves tags to it.",
  });
}
