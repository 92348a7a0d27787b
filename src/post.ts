import { ending } from "./errors.ts";
import { clock } from "./host/clock.ts";
import { exec } from "./host/exec.ts";
import { files } from "./host/files.ts";
import { definedVariables } from "./host/variables.ts";
import { cleanUp } from "./pipeline/clean-up.ts";
import { runnerLog } from "./runner/log.ts";
import { workflowStep } from "./runner/step.ts";

const env = definedVariables(process.env);
const log = runnerLog({ clock });
try {
  await cleanUp(workflowStep(env).saved("made"), { exec, files, env, log });
} catch (error) {
  log.warning(ending(error).text);
}
