import { join } from "node:path";
import { readEnvironment } from "./config/environment.ts";
import { ending } from "./errors.ts";
import { clock as hostClock } from "./host/clock.ts";
import { exec } from "./host/exec.ts";
import { httpFetch } from "./host/fetch.ts";
import { files } from "./host/files.ts";
import { stopSignal } from "./host/signals.ts";
import { spawn } from "./host/spawn.ts";
import { stoppableClock, stoppableFetch } from "./host/stoppable.ts";
import { definedVariables } from "./host/variables.ts";
import { opener } from "./pipeline/open.ts";
import { runStep } from "./pipeline/step.ts";
import { artifacts } from "./runner/artifacts.ts";
import { runnerCache } from "./runner/cache.ts";
import { runnerLog } from "./runner/log.ts";
import { workflowStep } from "./runner/step.ts";
import { toolCache as tools } from "./runner/tool-cache.ts";

const env = definedVariables(process.env);
const step = workflowStep(env);
try {
  const environment = readEnvironment(env, process.cwd());
  const signal = stopSignal();
  const clock = stoppableClock(hostClock, signal);
  const ports = {
    exec,
    spawn,
    fetch: stoppableFetch(httpFetch(environment.network), signal),
    files,
    clock,
    log: runnerLog({ clock }),
    signal,
  };
  const dockerConfig = env["DOCKER_CONFIG"] || join(env["HOME"] ?? "", ".docker");
  await runStep(environment, {
    ...ports,
    tools,
    cache: runnerCache(join(environment.temporary, "director-image-cache"), ports),
    env,
    step,
    artifacts,
    open: opener({ dockerConfig }, ports),
    home: join(import.meta.dirname, "../.."),
    made: (folder) => step.save("made", folder),
  });
} catch (error) {
  step.fail(ending(error).text);
}
