import { join } from "node:path";
import type { AcceptanceInputs } from "../config/config.ts";
import { CheckError } from "../errors.ts";
import { parsePlace } from "../images/reference.ts";
import { junit } from "../report/junit.ts";
import type { AcceptResult } from "../results/stages.ts";
import { either } from "../stores/either.ts";
import { acceptImage } from "./accept-image.ts";
import { promisedBy } from "./accept-options.ts";
import { completedLock } from "./assemble.ts";
import { forgiving } from "./forgiving.ts";
import { jobName } from "./job.ts";
import { assembled, needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import { inWords, notRun } from "./readiness.ts";
import type { Stage } from "./stage.ts";

/** Lines of a node's log that are shown where a check failed; all are in the result. */
const shownLines = 40;

/**
 * Starts the candidate in this machine's Docker and checks it. What is wrong with it is the result's verdict, which is kept before
 * `refuseAcceptance` lets the stage fail.
 */
export async function acceptStage(stage: Stage, ports: Ports): Promise<AcceptResult> {
  const { config, results, accepted } = stage;
  const plan = needed(results, "prepare");
  const candidate = assembled(stage);
  const { digest } = candidate;
  const xml = join(config.results, `${jobName("accept", config, plan)}.xml`);
  await ports.files.rm(xml, { force: true });
  const inputs = config.acceptance;
  if (inputs.mode === "off")
    return {
      ...{ digest, platform: "", target: "container", verdict: "skipped", checks: [] },
      reason: "acceptance: off",
    };
  const before = accepted?.find((one) => one.verdict === "passed" && one.digest === digest);
  if (before !== undefined && JSON.stringify(before.inputs) === JSON.stringify(inputs)) {
    ports.log.info(`${digest} passed before on this machine, with the same inputs.`);
    return before;
  }
  const login = loginOf(config);
  const open: Ports["open"] = (place, more) => ports.open(place, { login, ...more });
  const target = open(parsePlace(candidate.repository));
  const weights = forgiving(open(parsePlace(plan.models.repository)), ports.log);
  const store = plan.push ? target : either(target, weights);
  const lock =
    plan.models.lock === "" ? undefined : await completedLock(config.results, ports.files);
  const promised = promisedBy(plan, results.build);
  const result = await acceptImage({ store, digest, lock, promised }, inputs, { ...ports, open });
  await ports.files.writeFile(xml, junit(result));
  await showLogs(result, ports);
  return { ...result, inputs: { ...inputs } };
}

/** The end of the node's log, where a check failed. */
async function showLogs({ logs = [] }: AcceptResult, { log }: Pick<Ports, "log">): Promise<void> {
  if (logs.length === 0) return;
  await log.group("The node's last words", async () => {
    for (const { text } of logs.slice(-shownLines)) log.info(text);
  });
}

/** A CheckError for a candidate that a check refused, or that was not accepted where it must be. What was not looked at is a warning. */
export function refuseAcceptance(
  result: AcceptResult,
  { mode, gpu }: Pick<AcceptanceInputs, "mode" | "gpu">,
  { warning }: Pick<Ports["log"], "warning">,
): void {
  const { digest, verdict, reason, checks } = result;
  const refused = checks.filter((check) => check.verdict === "failed");
  if (verdict === "failed")
    throw new CheckError(
      `The acceptance of ${digest} failed. ${refused.map(({ name, reason: why }) => `${name}: ${why}`).join(". ")}.`,
      { todo: "No tag is moved. The node's log is in accept.json, and its end above." },
    );
  const must = mode === "required" ? "acceptance: required" : "gpu: required";
  if (verdict !== "passed" && (mode === "required" || gpu === "required"))
    throw new CheckError(`${must}, but the acceptance of ${digest} was ${verdict}: ${reason}.`, {
      todo: "Run it where it can be told: a Docker engine, room on the disk, published weights, no other program on the card.",
    });
  if (mode === "off") return;
  if (verdict !== "passed") warning(`The candidate was not accepted: ${verdict}, ${reason}.`);
  const left = notRun([result]);
  if (left.length > 0) warning(`Not checked: ${inWords(left)}.`);
}
