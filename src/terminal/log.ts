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
  const print = (text: string) => stream.write(`${printable(text, secrets)}\n`);
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
        ? bar(label, total, stream, clock)
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

/** One line that is written over, ten times a second at most. */
function bar(
  label: string,
  total: number | undefined,
  stream: NodeJS.WriteStream,
  clock: Pick<Clock, "now">,
) {
  const begun = clock.now();
  let shown = 0;
  return {
    update(done: number) {
      if (clock.now() - shown < 100) return;
      shown = clock.now();
      stream.write(
        `\r\x1b[2K${progressLine(label, done, total, (shown - begun) / 1000).slice(0, stream.columns)}`,
      );
    },
    end() {
      if (shown > 0) stream.write("\r\x1b[2K");
    },
  };
}
