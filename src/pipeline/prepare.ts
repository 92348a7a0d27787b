import type { Config } from "../config/config.ts";
import { builtCommit, type Facts } from "../config/facts.ts";
import { names } from "../images/names.ts";
import { placeName } from "../images/reference.ts";
import type { Context } from "../metadata/context.ts";
import { annotationsAt, annotationsFor, labelsFor } from "../metadata/labels.ts";
import { tagsFor } from "../metadata/tags.ts";
import type { Log } from "../ports/log.ts";
import type { PrepareResult } from "../results/stages.ts";
import { plannedRunners } from "./planned-runners.ts";

/** The plan of a run: pure, but for the clock that `{{date}}` shows. */
export function prepare(
  config: Config,
  facts: Facts,
  now: number,
  log: Pick<Log, "info" | "warning">,
): PrepareResult {
  const revision = builtCommit(facts);
  const context: Context = { ...facts, sha: revision, now };
  const { tags, version, warnings, notes: tagNotes } = tagsFor(config.tags, config.flavor, context);
  for (const warning of warnings) log.warning(warning);
  const { push, why } = mayPush(config, facts);
  const runners = plannedRunners(config, facts);
  const notes = [...tagNotes, ...runners.notes];
  for (const note of notes) log.warning(note);
  log.info(
    push
      ? `Goes to ${placeName(config.image)}${tags.length > 0 ? `, tags ${tags.join(", ")}` : ""}.`
      : `Nothing is pushed: ${why}.`,
  );
  const said = described(config, context, version);
  // A monthly refresh is written into the annotations by whoever makes it (design: "The final image").
  const refresh = said.annotations[names.refresh];
  return {
    image: placeName(config.image),
    target: push ? placeName(config.image) : `oci:${config.layout}`,
    platforms: [...runners.platforms],
    ...(config.stage === "prepare" ? { gpu: runners.gpu } : {}),
    ...(notes.length === 0 ? {} : { notes }),
    tags: [...tags],
    ...(version === undefined ? {} : { version }),
    ...said,
    push,
    pushReason: why,
    cacheMayBeWritten: push && facts.untrusted === undefined,
    models: {
      lock: config.models.lock ?? "",
      delivery: config.models.delivery,
      repository: placeName(config.models.repository),
    },
    source: {
      ...(revision === "" ? {} : { revision }),
      ...(facts.checkedOut === undefined ? {} : { event: facts.sha }),
      commitTime: facts.commitTime,
      created: createdAt(facts),
      ...(refresh === undefined ? {} : { refresh }),
    },
  };
}

/** What an image says of itself: of the repository and the commit, and what the caller adds. */
export function described(
  config: Pick<Config, "labels" | "annotations" | "platforms">,
  context: Context,
  version: string | undefined,
): Pick<PrepareResult, "labels" | "annotations" | "manifestAnnotations"> {
  const annotations = annotationsFor(config.annotations, context, version);
  return {
    labels: labelsFor(config.labels, context, version),
    annotations: annotationsAt(annotations, "index"),
    manifestAnnotations: Object.fromEntries(
      config.platforms.map((platform) => [
        platform,
        annotationsAt(annotations, "manifest", platform),
      ]),
    ),
  };
}

/** The commit's time, RFC 3339. */
export function createdAt({ commitTime }: Pick<Facts, "commitTime">): string {
  return new Date(commitTime * 1000).toISOString().replace(".000Z", "Z");
}

/** Whether anything may leave this machine. */
export function mayPush(
  { push }: Pick<Config, "push">,
  { isPullRequest, untrusted }: Pick<Facts, "isPullRequest" | "untrusted">,
): { push: boolean; why: string } {
  if (untrusted !== undefined)
    return { push: false, why: `a pull request by ${untrusted} may not` };
  if (push === "true") return { push: true, why: "push is true" };
  if (push === "false") return { push: false, why: "push is false" };
  return isPullRequest
    ? { push: false, why: "this is a pull request (push is auto)" }
    : { push: true, why: "this is no pull request (push is auto)" };
}
