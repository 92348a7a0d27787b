import type { Figures } from "./check.ts";
import type { LogLine } from "./node.ts";

/** One thing that happened, in seconds after the start was asked for. */
export type Event = { readonly what: string; readonly seconds: number };

/** The start as the log tells it: the first line, P2P, each model, all of them. Pure; times in milliseconds since 1970. */
export function timelineOf(logs: readonly LogLine[], started: number): readonly Event[] {
  const at = (line: LogLine) => Math.max(0, (line.at - started) / 1000);
  const first = logs[0];
  const loading = loadingLines(logs).map(({ line, title }) => ({
    what: `loading ${title}`,
    seconds: at(line),
  }));
  const event = (what: string, line: LogLine | undefined) =>
    line === undefined ? [] : [{ what, seconds: at(line) }];
  const listening = logs.find(({ text }) => text.includes("P2P listens on "));
  return inOrder([
    { what: "created", seconds: 0 },
    ...event("first log", first),
    ...event("p2p", listening),
    ...loading,
    ...event(
      "models loaded",
      logs.find(({ text }) => text.includes("All models loaded.")),
    ),
  ]);
}

/** The start with what was seen from outside, by the check `startup`. Pure. */
export function withHealth(
  events: readonly Event[],
  { healthySeconds, containerSeconds }: Figures,
): readonly Event[] {
  const event = (what: string, seconds: Figures[string] | undefined) =>
    typeof seconds === "number" ? [{ what, seconds }] : [];
  return inOrder([
    ...events,
    ...event("healthy", healthySeconds),
    ...event("container healthy", containerSeconds),
  ]);
}

function inOrder(events: readonly Event[]): readonly Event[] {
  return events.toSorted((a, b) => a.seconds - b.seconds);
}

/** The lines that name a model which is being loaded, in their order. Pure. */
export function loadingLines(
  logs: readonly LogLine[],
): readonly { readonly line: LogLine; readonly title: string }[] {
  return logs.flatMap((line) => {
    const title = /(?:^|\s)Loading (\S.*)\.\.\.$/.exec(line.text.trimEnd())?.[1];
    return title === undefined ? [] : [{ line, title }];
  });
}

/** The first `All models loaded. VRAM: N GB`. Pure. */
export function loadedLine(logs: readonly LogLine[]): LogLine | undefined {
  return logs.find(({ text }) => /All models loaded\. VRAM: \d+\.\d GB/.test(text));
}
