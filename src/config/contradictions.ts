import { UsageError } from "../errors.ts";
import { type InputName, inputs } from "./inputs.ts";

type Read = (name: InputName) => string;

/** Inputs that a builder which is used as it is could not follow. */
const ofMadeBuilders = ["driver", "driver-opts", "buildkitd-config"] as const;

/** What is asked for by a value and would be left undone without a word. */
const later: readonly (readonly [InputName, string])[] = [
  ["sbom", "true"],
  ["sign", "true"],
];

/**
 * Refuses inputs of which one makes another one meaningless, and values that this version cannot follow (UsageError). A runner gives
 * defaults as if they had been written, so an input with its default counts as not given. Pure.
 */
export function refuseContradictions(read: Read): void {
  const isGiven = (name: InputName) => read(name) !== inputs[name].default;
  if (isGiven("builder")) {
    const useless = ofMadeBuilders.find(isGiven);
    if (useless !== undefined)
      throw contradiction("builder", useless, "an existing builder is used as it is");
  } else if (read("driver") === "docker") {
    const useless = ofMadeBuilders.find((name) => name !== "driver" && isGiven(name));
    if (useless !== undefined)
      throw contradiction("driver: docker", useless, "the engine's own BuildKit takes none");
  }
  if (read("acceptance") === "off" && read("gpu") === "required")
    throw contradiction("acceptance: off", "gpu: required", "nothing would look at the GPU");
  const wish = later.find(([name, value]) => read(name) === value);
  if (wish !== undefined)
    throw new UsageError(`${wish[0]}: ${wish[1]} is not in this version.`, {
      todo: "See CHANGELOG.md for what is there.",
    });
}

function contradiction(one: string, other: string, why: string): UsageError {
  return new UsageError(`${one} and ${other} contradict each other: ${why}.`, {
    todo: "Give one of them.",
  });
}
