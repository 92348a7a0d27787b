import { parsePlace } from "../images/reference.ts";
import type { PromoteResult } from "../results/stages.ts";
import { needed } from "./needed.ts";
import { promoteChanged } from "./only-changed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import { promote } from "./promote.ts";
import type { Stage } from "./stage.ts";

/** Moves the plan's tags to the candidate; none, where only changes are to be published and there are none. */
export async function promoteStage(
  { config, results }: Stage,
  { files, open, log, signal }: Ports,
): Promise<PromoteResult> {
  const plan = needed(results, "prepare");
  const candidate = needed(results, "assemble");
  const { scan: scans, accept: accepts } = results;
  if (!plan.push) {
    log.info(`No tag is moved: ${plan.pushReason}.`);
    return { digest: candidate.digest, tags: [] };
  }
  const store = open(parsePlace(plan.target), { login: loginOf(config) });
  const { onlyChanged, ...how } = config.promote;
  const promoting = { candidate, tags: plan.tags, scans, accepts, ...how };
  if (!onlyChanged) return promote(promoting, { store, log, signal });
  return promoteChanged(promoting, plan.version, config.results, { files, store, log, signal });
}
