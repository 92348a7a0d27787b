import { printable } from "../host/printable.ts";
import { plainProgress, progressLine } from "../host/progress.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** Messages for a person, all of them on standard error, so that standard output is free for results. */
export function terminalLog({
  clock,
  stream = process.stderr,
  quiet = false,
  verbose = false,
}: TerminalLogOptions): Log {
  const secrets = new Set<string>();
  const shown = { line: "" };
  const print = (text: string) => aside(shown, stream, `${printable(text, secrets)}\n`);
  const info = (text: string) => {
    if (!quiet) print(text);
  };
  return {
    debug: (message) => {
      if (verbose) print(message);
    },
    info,
    warning: (message) => print(`warning: ${message}`),
    mask: (secret) => {
      if (secret !== "") secrets.add(secret);
    },
    group: async (title, work) => {
      info(`── ${title}`);
      return work();
    },
    progress: (label, total) => {
      if (quiet) return { update: () => undefined, end: () => undefined };
      return stream.isTTY
        ? bar(label, total, { shown, stream, clock })
        : plainProgress(label, total, print, clock);
    },
  };
}

export interface TerminalLogOptions {
  readonly clock: Pick<Clock, "now">;
  readonly stream?: NodeJS.WriteStream;
  /** Warnings only. */
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

const emptyLine = "\r\x1b[2K";

/** What stands on the terminal's last line: a bar, or nothing. */
interface Shown {
  line: string;
}

/** Writes whole lines above the bar that is shown. */
function aside({ line }: Shown, stream: NodeJS.WriteStream, text: string): void {
  stream.write(line === "" ? text : `${emptyLine}${text}${line}`);
}

/** One line that is written over, ten times a second at most. */
function bar(
  label: string,
  total: number | undefined,
  { shown, stream, clock }: { shown: Shown; stream: NodeJS.WriteStream; clock: Pick<Clock, "now"> },
) {
  const begun = clock.now();
  let last = 0;
  return {
    update(done: number) {
      if (clock.now() - last < 100) return;
      last = clock.now();
      const line = progressLine(label, done, total, (last - begun) / 1000);
      shown.line = line.slice(0, stream.columns);
      stream.write(`${emptyLine}${shown.line}`);
    },
    end() {
      if (shown.line !== "") stream.write(emptyLine);
      shown.line = "";
    },
  };
}
