import * as core from "@actions/core";
import type { Step } from "../ports/step.ts";

/** The step that this process is (@actions/core); `variables` are the process's own, where the runner puts inputs. */
export function workflowStep(variables: Readonly<Record<string, string | undefined>>): Step {
  return {
    input: (name) => variables[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`],
    output: (name, value) => core.setOutput(name, value),
    summary: async (markdown) => {
      if (variables["GITHUB_STEP_SUMMARY"]) await core.summary.addRaw(markdown).write();
    },
    fail: (message) => core.setFailed(message),
    save: (name, value) => core.saveState(name, value),
    saved: (name) => core.getState(name),
  };
}
