import type { LogLine } from "./node.ts";

/** One thing that happened, in seconds after the start was asked for. */
export type Event = { readonly what: string; readonly seconds: number };

/** The start as the log tells it: the first line, each model, all of them. Pure; times in milliseconds since 1970. */
export function timelineOf(logs: readonly LogLine[], started: number): readonly Event[] {
  const at = (line: LogLine) => Math.max(0, (line.at - started) / 1000);
  const first = logs[0];
  const loading = loadingLines(logs).map(({ line, title }) => ({
    what: `loading ${title}`,
    seconds: at(line),
  }));
  const loaded = logs.find(({ text }) => text.includes("All models loaded."));
  return [
    { what: "created", seconds: 0 },
    ...(first === undefined ? [] : [{ what: "first log", seconds: at(first) }]),
    ...loading,
    ...(loaded === undefined ? [] : [{ what: "models loaded", seconds: at(loaded) }]),
  ];
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

/** The gigabytes of `All models loaded. VRAM: N GB`. Pure. */
export function loadedVram(logs: readonly LogLine[]): number | undefined {
  for (const { text } of logs) {
    const found = /All models loaded\. VRAM: (\d+\.\d) GB/.exec(text)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}
