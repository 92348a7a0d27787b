import { describe, expect, it } from "@jest/globals";
import { drainComplaints } from "../../src/acceptance/checks/shutdown.ts";
import { judgeEnd } from "../../src/acceptance/end.ts";
import { wordsComplaints } from "../../src/acceptance/last-words.ts";

const said = (...texts: readonly string[]) => texts.map((text, at) => ({ at, text }));

describe("the last words of a node", () => {
  const ended = "12:00 INFO Sidecar ended by SIGTERM: exit status: 0";
  const flushed = 'Metrics flushed: {"a":1,"b":{"c":2}}';
  const file = '{"b":{"c":2},"a":1}\n';

  it("are right with the sidecar's end and its metrics, which are in METRICS_FILE, too", () => {
    expect(wordsComplaints(said("Bye", ended, `12:00 INFO ${flushed}`), file)).toEqual([]);
    const fields = `${ended} status="exit status: 0"`;
    expect(wordsComplaints(said(fields, flushed), file)).toEqual([]);
  });

  it.each<[string, readonly string[], string | undefined, string]>([
    [
      "lack the metrics",
      [ended],
      file,
      'the log has 0 lines "Metrics flushed: {json}", one is wanted',
    ],
    [
      "have them twice",
      [ended, flushed, flushed],
      file,
      'the log has 2 lines "Metrics flushed: {json}", one is wanted',
    ],
    [
      "have them cut off",
      [ended, 'Metrics flushed: {"a":'],
      file,
      "what follows Metrics flushed: is not JSON",
    ],
    [
      "have a number for them",
      [ended, "Metrics flushed: 3"],
      file,
      "the flushed metrics are no object",
    ],
    [
      "have nothing for them",
      [ended, "Metrics flushed: null"],
      file,
      "the flushed metrics are no object",
    ],
    ["have them in no file", [ended, flushed], undefined, "METRICS_FILE was not written"],
    [
      "have others than the file",
      [ended, flushed],
      '{"a":1,"b":{"c":3}}',
      "METRICS_FILE has not the metrics that the log has",
    ],
    [
      "have a file that was cut off",
      [ended, flushed],
      '{"a":1',
      "METRICS_FILE has not the metrics that the log has",
    ],
    [
      "do not tell of the sidecar",
      [flushed],
      file,
      'the log has no line "Sidecar ended by SIGTERM: …"',
    ],
    [
      "tell that the sidecar was killed",
      ["Sidecar ended by SIGTERM: signal: 9 (SIGKILL)", flushed],
      file,
      "the sidecar was not ended by its own handler of SIGTERM (signal: 9 (SIGKILL))",
    ],
    [
      "tell that the sidecar has no handler",
      ["Sidecar ended by SIGTERM: signal: 15 (SIGTERM)", flushed],
      file,
      "the sidecar was not ended by its own handler of SIGTERM (signal: 15 (SIGTERM))",
    ],
  ])("%s", (_, texts, written, complaint) =>
    expect(wordsComplaints(said(...texts), written)).toEqual([complaint]),
  );
});

describe("an end", () => {
  const asked = { begun: 10_000, again: 10_200, limit: 10, waited: 30 };

  it.each<[string, Parameters<typeof judgeEnd>[0], number | undefined, readonly string[]]>([
    ["in time is right", { at: 19_000, exitCode: 0 }, 9, []],
    ["that does not come", undefined, undefined, ["it still runs 30 s after SIGTERM"]],
    [
      "that comes late",
      { at: 35_000, exitCode: 0 },
      25,
      ["it took 25.0 s to end, 10 s are allowed"],
    ],
    ["with an error", { at: 11_000, exitCode: 3 }, 1, ["it ended with exit code 3"]],
    [
      "by the signal itself, of a process",
      { at: 10_000, exitCode: undefined },
      0,
      ["SIGTERM ended it as it ends a program that does not handle it"],
    ],
    [
      "by a second signal",
      { at: 11_000, exitCode: undefined },
      1,
      ["a second SIGTERM cut its end short"],
    ],
    [
      "by the signal itself, of a container",
      { at: 10_000, exitCode: 143 },
      0,
      ["SIGTERM ended it as it ends a program that does not handle it"],
    ],
  ])("%s", (_, end, seconds, complaints) =>
    expect(judgeEnd(end, asked)).toEqual({ seconds, complaints }),
  );
});

describe("the drain", () => {
  const good = { metrics: 3, silent: undefined, refused: 10_400 };
  const silence = "its metrics were gone before the drain ended";

  it.each<[string, Partial<Parameters<typeof drainComplaints>[0]>, readonly string[]]>([
    ["is right with metrics to its end and no new calls", {}, []],
    [
      "takes new calls",
      { refused: undefined },
      ["new gRPC calls were taken until the drain had ended"],
    ],
    ["loses its metrics", { silent: "connection refused" }, [`${silence}: connection refused`]],
    ["never shows its metrics", { metrics: 0 }, [`${silence}: no answer came`]],
  ])("%s", (_, more, complaints) =>
    expect(drainComplaints({ ...good, ...more })).toEqual(complaints),
  );
});
