import { join } from "node:path";
import type { AcceptOptions } from "../acceptance/run.ts";
import type { Expected } from "../acceptance/world.ts";
import type { AcceptanceInputs } from "../config/config.ts";
import { isKnown } from "../errors.ts";
import { names } from "../images/names.ts";
import type { Platform } from "../images/platform.ts";
import { filesOf, type Lock } from "../models/lock.ts";
import { parseLock } from "../models/lock-parse.ts";
import { canonicalLock } from "../models/lock-text.ts";
import type { BuildResult, PrepareResult } from "../results/stages.ts";
import { baseLabels } from "./assemble.ts";

/** Names of what an image must carry. */
export interface Promised {
  readonly labels: readonly string[];
  /** Of its platform's manifest. */
  readonly annotations: readonly string[];
}

/** What the plan and the build have an assembled image say of itself (design: "The final image"). Pure. */
export function promisedBy(
  { labels, manifestAnnotations }: Pick<PrepareResult, "labels" | "manifestAnnotations">,
  builds: readonly Pick<BuildResult, "platforms">[],
): (platform: Platform) => Promised {
  const said = (values: Readonly<Record<string, string>> = {}) =>
    Object.keys(values).filter((name) => values[name] !== "");
  return (platform) => {
    const built = builds.flatMap(({ platforms }) => platforms);
    const own = built.find((one) => one.platform === platform) ?? {};
    return {
      labels: [...said(labels), ...said(baseLabels(own))],
      annotations: said(manifestAnnotations[platform]),
    };
  };
}

interface Wanted {
  readonly lock: Lock | undefined;
  /** What an image says of itself besides; nothing is asked of a process. */
  readonly said?: Pick<Expected, "labels" | "annotations">;
}

/** What the lock and the inputs say, in the words of acceptance. Pure. */
export function acceptOptions(
  { lock, said = { labels: [], annotations: { wanted: [], there: {} } } }: Wanted,
  inputs: AcceptanceInputs,
  home: string,
): Omit<AcceptOptions, "gpus"> {
  const models = lock?.models ?? [];
  const own = lock === undefined ? [] : [names.models, names.root];
  return {
    expected: {
      titles: models.map(({ title }) => title),
      weights: new Map(filesOf(models).map(({ id, file }) => [id, file.sha256])),
      isLock: (text) => lock !== undefined && isSame(lock, text),
      labels: [...new Set([...own, ...said.labels])],
      annotations: said.annotations,
    },
    limits: {
      startupSeconds: inputs.startupTimeout,
      shutdownSeconds: inputs.shutdownTimeout,
      vramBytes: inputs.maxVram,
      imageBytes: inputs.maxImageSize,
      driver: inputs.minDriver,
      memoryBytes: inputs.memory,
      cpus: inputs.cpus,
      slots: inputs.slots,
    },
    gpu: inputs.gpu,
    chainUrl: inputs.chainUrl,
    protos: join(home, "director", "proto"),
  };
}

/** Whether a text is this lock, but for its layers, which an open lock does not know. */
function isSame(lock: Lock, text: string): boolean {
  try {
    return canonicalLock(parseLock(text, "models.lock.json")) === canonicalLock(lock);
  } catch (error) {
    if (isKnown(error)) return false;
    throw error;
  }
}
