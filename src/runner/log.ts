import * as core from "@actions/core";
import { printable } from "../host/printable.ts";
import { plainProgress } from "../host/progress.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** The log of a workflow's step: folded groups, annotations, masks. */
export function runnerLog({ clock }: { readonly clock: Pick<Clock, "now"> }): Log {
  const secrets = new Set<string>();
  const info = (text: string) => core.info(printable(text, secrets));
  return {
    debug: (message) => core.debug(printable(message, secrets)),
    info,
    warning: (message) => core.warning(printable(message, secrets)),
    mask: (secret) => {
      if (secret === "") return;
      secrets.add(secret);
      core.setSecret(secret);
    },
    group: (title, work) => core.group(printable(title, secrets), work),
    progress: (label, total) => plainProgress(label, total, info, clock),
  };
}
