import { parsePlace } from "../images/reference.ts";
import type { BuildResult, PromoteResult } from "../results/stages.ts";
import { attester } from "./attest-image.ts";
import { runtimePlace } from "./build.ts";
import { assembled, needed } from "./needed.ts";
import { promoteChanged } from "./only-changed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import { promote } from "./promote.ts";
import type { Stage } from "./stage.ts";

/** Attaches what is known of the candidate, signed, and then moves the plan's tags to it; none, where only changes are to be published and there are none. */
export async function promoteStage(
  { config, results }: Stage,
  ports: Ports,
): Promise<PromoteResult> {
  const { files, open, log, signal } = ports;
  const plan = needed(results, "prepare");
  const candidate = assembled({ config, results });
  const { scan: scans, accept: accepts } = results;
  if (!plan.push) {
    log.info(`No tag is moved: ${plan.pushReason}.`);
    return { digest: candidate.digest, tags: [] };
  }
  const login = loginOf(config);
  const store = open(parsePlace(plan.target), { login });
  const attesting = {
    ...{ results, store, inputs: config.attest, folder: config.results },
    runtimes: (build: BuildResult) => open(runtimePlace(build, config), { login }),
  };
  const moving = { ...{ store, log, signal }, ...attester(attesting, ports) };
  const { onlyChanged, ...how } = config.promote;
  const promoting = { candidate, tags: plan.tags, scans, accepts, ...how };
  if (!onlyChanged) return promote(promoting, moving);
  return promoteChanged(promoting, plan.version, config.results, { ...moving, files });
}
