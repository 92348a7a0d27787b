import { attestInputs } from "../config/attest.ts";
import { withDefaults } from "../config/read.ts";
import { flag } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { parseReference, placeName } from "../images/reference.ts";
import { attester } from "../pipeline/attest-image.ts";
import { runtimePlace } from "../pipeline/build.ts";
import { needed } from "../pipeline/needed.ts";
import { promoteChanged } from "../pipeline/only-changed.ts";
import { promote } from "../pipeline/promote.ts";
import { readAll } from "../pipeline/run.ts";
import type { BuildResult } from "../results/stages.ts";
import type { Command } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

export const promoteCommand: Command = {
  name: "promote",
  summary: "point tags at a candidate that was scanned and accepted",
  example:
    "director-image promote 127.0.0.1:5000/director@sha256:… --tag 1.2.3 --tag latest --results results",
  arguments: "<ref>",
  inputs: [
    ...(["allow-untested", "force", "only-changed"] as const),
    ...(["sign", "sigstore", "provenance", "sbom"] as const),
    ...loginInputs,
  ],
  flags: [
    { flag: "--tag <tag...>", description: "tag to move", required: true },
    { flag: "--results <dir>", description: "results folder of the stages before", required: true },
  ],
  run: async (given, { ports, environment }) => {
    const reference = parseReference(given.arguments[0] ?? "");
    const folder = given.value("results") ?? "";
    const results = await readAll(folder, ports);
    const candidate = needed(results, "assemble");
    if (reference.digest === undefined)
      throw new UsageError(
        `${given.arguments[0]}: promote wants a digest (…@sha256:…), since a tag may move.`,
      );
    if (reference.digest !== candidate.digest)
      throw new UsageError(`The results are of ${candidate.digest}, not of ${reference.digest}.`);
    const force = flag("force", given.value("force") ?? "false");
    const reason = given.value("allow-untested")?.trim();
    const open = openWith(reference, given, ports, environment);
    const store = open(reference);
    const inputs = attestInputs(
      withDefaults((name) => given.value(name)),
      environment,
    );
    const attesting = {
      ...{ results, store, inputs, folder },
      runtimes: (build: BuildResult) => open(runtimePlace(build, { results: folder })),
    };
    const promoting = {
      ...{ candidate, tags: given.values("tag"), scans: results.scan, accepts: results.accept },
      ...{ allowUntested: reason === "" ? undefined : reason, force },
    };
    const { files, log, signal } = ports;
    const moving = { ...{ store, log, signal }, ...attester(attesting, ports) };
    const result = flag("only-changed", given.value("only-changed") ?? "false")
      ? await promoteChanged(promoting, undefined, folder, { ...moving, files })
      : await promote(promoting, moving);
    return {
      json: result,
      text: [
        ...result.tags.map(
          ({ tag, moved, why }) =>
            `${placeName(reference)}:${tag}  ${moved ? "moved" : "not moved"}: ${why}`,
        ),
        ...(result.attestations ?? []).map(
          ({ predicateType, digest }) =>
            `${placeName(reference)}@${digest}  attached: ${predicateType}`,
        ),
      ],
    };
  },
};
