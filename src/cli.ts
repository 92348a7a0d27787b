#!/usr/bin/env node
import { join } from "node:path";
import { assembleCommand } from "./commands/assemble.ts";
import { terminalContext } from "./commands/context.ts";
import { laterCommands } from "./commands/later.ts";
import { modelsCommands } from "./commands/models.ts";
import { runProgram } from "./commands/program.ts";
import { promoteCommand } from "./commands/promote.ts";
import { buildCommand, runCommand } from "./commands/stages.ts";
import { explain, InterruptedError, isError, isKnown } from "./errors.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => stop.abort(new InterruptedError(signal)));
process.stdout.on("error", () => undefined);

try {
  process.exitCode = await runProgram(
    process.argv.slice(2),
    [
      runCommand,
      buildCommand,
      assembleCommand,
      promoteCommand,
      ...modelsCommands,
      ...laterCommands,
    ],
    {
      context: (common) => terminalContext(process.env, stop.signal, home(), common),
      print: (text) => void process.stdout.write(text),
      version: "1.0.0",
    },
  );
} catch (error) {
  const shown = isKnown(error)
    ? explain(error)
    : `A fault of our own, please report it: ${isError(error) ? error.stack : String(error)}`;
  process.stderr.write(`${shown}\n`);
  process.exitCode = isKnown(error) ? error.exitCode : 70;
}

/** The repository's top folder, from src/ as from dist/cli/. */
function home(): string {
  return join(import.meta.dirname, import.meta.filename.endsWith(".ts") ? ".." : "../..");
}
