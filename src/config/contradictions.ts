import { UsageError } from "../errors.ts";
import { type InputName, inputs } from "./inputs.ts";

type Read = (name: InputName) => string;

/** Inputs that a builder which is used as it is could not follow. */
const ofMadeBuilders = ["driver", "driver-opts", "buildkitd-config"] as const;

/**
 * Refuses inputs of which one makes another one meaningless (UsageError). A runner gives
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
  if (read("sign") === "off" && read("sbom") === "true")
    throw contradiction("sign: off", "sbom: true", "nothing is attached unsigned");
  if (read("acceptance") === "off" && read("gpu") === "required")
    throw contradiction("acceptance: off", "gpu: required", "nothing would look at the GPU");
}

function contradiction(one: string, other: string, why: string): UsageError {
  return new UsageError(`${one} and ${other} contradict each other: ${why}.`, {
    todo: "Give one of them.",
  });
}
