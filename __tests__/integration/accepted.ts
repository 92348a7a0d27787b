import { EventEmitter, once } from "node:events";
import { expect } from "@jest/globals";
import type { CheckName } from "../../src/acceptance/check.ts";
import type { AcceptResult } from "../../src/results/stages.ts";
import type { Broken } from "../acceptance/broken/row.ts";

/** A result as the tests look at it. */
export interface Views {
  readonly result: AcceptResult;
  /** Names of the checks by their verdict. */
  readonly of: (verdict: string) => readonly string[];
  /** Reasons of those that failed, by their name. */
  readonly failures: Readonly<Record<string, string | undefined>>;
}

export function views(result: AcceptResult): Views {
  return {
    result,
    of: (verdict) =>
      result.checks.filter((check) => check.verdict === verdict).map(({ name }) => name),
    failures: Object.fromEntries(
      result.checks.flatMap(({ name, verdict, reason }) =>
        verdict === "failed" ? [[name, reason]] : [],
      ),
    ),
  };
}

/** The failures that a row of the table wants. */
export function matching(reasons: Broken["fails"]): object {
  return Object.fromEntries(
    Object.entries(reasons).map(([check, reason]) => [check, expect.stringMatching(reason)]),
  );
}

/** The checks that a row wants to pass, of those that there are for it. */
export function passing({ fails, passes }: Broken, all: readonly CheckName[]): readonly string[] {
  return passes ?? all.filter((check) => fails[check] === undefined);
}

/** Does the work for every item, so many at a time; each result can be waited for by itself. */
export function sideBySide<T extends { readonly name: string }, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): (name: string) => Promise<R> {
  const queue = items.map((item) => {
    const started = new EventEmitter();
    const result = once(started, "start").then(() => work(item));
    result.catch(() => undefined);
    return { name: item.name, started, result };
  });
  const rest = queue.values();
  const worker = async () => {
    for (const { started, result } of rest) {
      started.emit("start");
      await result.catch(() => undefined);
    }
  };
  for (let at = 0; at < limit; at += 1) void worker();
  return (name) =>
    queue.find((one) => one.name === name)?.result ?? Promise.reject(new Error(`no ${name}`));
}
