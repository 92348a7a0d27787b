import { join } from "node:path";
import { CheckError } from "../errors.ts";
import { parsePlace } from "../images/reference.ts";
import type { LockedModel } from "../models/lock.ts";
import { isComplete, type Lock } from "../models/lock.ts";
import { bakedLayers } from "../models/plan.ts";
import type { AcceptResult, PrepareResult } from "../results/stages.ts";
import { acceptImage } from "./accept-image.ts";
import { readLock } from "./models.ts";
import { needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import type { Stage } from "./stage.ts";

/** Starts the candidate, watches it and stops it. A verdict is a result; only what was `required` and did not happen fails the stage. */
export async function acceptStage({ config, results }: Stage, ports: Ports): Promise<AcceptResult> {
  const plan = needed(results, "prepare");
  const { digest } = needed(results, "assemble");
  const { mode } = config.acceptance;
  if (mode === "off")
    return {
      ...{ digest, platform: "", target: "container", checks: [] },
      ...{ verdict: "skipped", reason: "acceptance is off" },
    };
  const login = loginOf(config);
  const completed = join(config.results, "models.lock.json");
  const lock = plan.models.lock === "" ? undefined : await readLock(completed, ports);
  const built = results.build.flatMap(({ platforms }) => platforms);
  const models = results.models?.digest;
  const result = await acceptImage(
    {
      store: ports.open(parsePlace(plan.target), { login }),
      digest,
      lock,
      mounted: mountedModels(lock, plan.models.delivery),
      models:
        models === undefined
          ? undefined
          : {
              digest: models,
              store: ports.open(parsePlace(plan.models.repository), { login }),
            },
      runtimeBytes: (platform) => built.find((entry) => entry.platform === platform)?.size,
    },
    config.acceptance,
    ports,
  );
  if (mode === "required" && result.verdict === "skipped")
    throw new CheckError(`acceptance: required, but it was skipped: ${result.reason}.`, {
      todo: "Run the stage accept on a machine with Docker and the room for the image.",
    });
  return result;
}

/** The models that a candidate does not carry itself. */
function mountedModels(
  lock: Lock | undefined,
  delivery: PrepareResult["models"]["delivery"],
): readonly LockedModel[] {
  if (lock === undefined || !isComplete(lock)) return [];
  const baked = new Set(bakedLayers(lock, delivery).flatMap(({ files }) => files));
  return lock.models.filter(({ name, files }) =>
    files.some(({ path }) => !baked.has(`${name}/${path}`)),
  );
}
