import { gzipSync } from "node:zlib";
import type { ScanResult } from "../results/stages.ts";
import { limits, type SarifDocument, type Subject, sarifDocument, wasRead } from "./document.ts";

export interface Fitted {
  readonly text: string;
  readonly gzip: Uint8Array;
  readonly runs: number;
  /** What is not in it, for people. */
  readonly left: readonly string[];
}

/** The document as it is written and sent: fewer alerts of every platform until it is no larger than GitHub takes. Pure. */
export function fitted(
  result: ScanResult,
  subject: Subject,
  most: Pick<typeof limits, "results" | "gzipBytes"> = limits,
): Fitted {
  for (let results = most.results; ; results = Math.floor(results / 2)) {
    const document = sarifDocument(result, subject, results);
    const text = `${JSON.stringify(document, null, 1)}\n`;
    const gzip = gzipSync(text, { level: 9 });
    if (gzip.length <= most.gzipBytes || results === 0)
      return { text, gzip, runs: document.runs.length, left: leftOut(result, document) };
  }
}

function leftOut(result: ScanResult, { runs }: SarifDocument): readonly string[] {
  const unread = result.platforms.filter((platform) => !wasRead(platform));
  const beyond = result.platforms.length - unread.length - runs.length;
  return [
    ...unread.map(({ platform }) => `${platform} was not read, so its alerts stay as they are`),
    ...(beyond > 0 ? [`${beyond} platforms: code scanning takes ${limits.runs} at once`] : []),
    ...runs.flatMap(
      ({ properties, invocations }) =>
        invocations[0]?.toolExecutionNotifications.flatMap(({ level, message }) =>
          level === "warning" ? [`${properties.platform}: ${message.text}`] : [],
        ) ?? [],
    ),
  ];
}
