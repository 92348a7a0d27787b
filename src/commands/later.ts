import { UsageError } from "../errors.ts";
import type { Command } from "./command.ts";

/** Commands whose names are promised and which say that they are not there yet. */
const later: Readonly<Record<string, string>> = {
  report: "write the HTML report of a results folder",
  doctor: "say what this machine lacks",
  prune: "remove old versions from a registry",
  completion: "write the shell's completion",
};

export const laterCommands: readonly Command[] = Object.entries(later).map(([name, summary]) => ({
  name,
  summary: `${summary} (not in this version)`,
  example: `director-image ${name} --help`,
  arguments: "[arguments...]",
  anyFlags: true as const,
  run: async () => {
    throw new UsageError(`${name}: not in this version.`, {
      todo: "See CHANGELOG.md for what is there.",
    });
  },
}));
