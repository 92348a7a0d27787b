import { acceptCommand } from "./accept.ts";
import { assembleCommand } from "./assemble.ts";
import type { Command } from "./command.ts";
import { diffCommand } from "./diff.ts";
import { laterCommands } from "./later.ts";
import { modelsCommands } from "./models.ts";
import { promoteCommand } from "./promote.ts";
import { scanCommand } from "./scan.ts";
import { buildCommand, runCommand } from "./stages.ts";
import { verifyImageCommand } from "./verify.ts";

/** The table of commands, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  buildCommand,
  scanCommand,
  assembleCommand,
  acceptCommand,
  promoteCommand,
  verifyImageCommand,
  ...modelsCommands,
  diffCommand,
  ...laterCommands,
];
