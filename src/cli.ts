#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "./commands/all.ts";
import { terminalContext } from "./commands/context.ts";
import { runProgram } from "./commands/program.ts";
import { ending } from "./errors.ts";
import { allowClosedPipes } from "./host/closed-pipe.ts";
import { printable } from "./host/printable.ts";
import { stopSignal } from "./host/signals.ts";

const signal = stopSignal();
allowClosedPipes();
try {
  process.exitCode = await runProgram(process.argv.slice(2), commands, {
    context: (common) => terminalContext(process.env, signal, home(), common),
    print: (text) => void process.stdout.write(text),
    version: version(),
  });
} catch (error) {
  const { text, exitCode } = ending(error);
  process.stderr.write(`${printable(text, new Set())}\n`);
  process.exitCode = exitCode;
}

/** The repository's top folder, from src/ as from dist/cli/. */
function home(): string {
  return join(import.meta.dirname, import.meta.filename.endsWith(".ts") ? ".." : "../..");
}

function version(): string {
  return JSON.parse(readFileSync(join(home(), "package.json"), "utf8")).version;
}
