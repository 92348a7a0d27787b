import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "../..");

/** What a process prints that does this with the runner's log. */
function printed(work: string): readonly string[] {
  const script = `
    import { runnerLog } from "./src/runner/log.ts";
    import { workflowStep } from "./src/runner/step.ts";
    const log = runnerLog({ clock: { now: () => 0 } });
    const step = workflowStep(process.env);
    ${work}`;
  const { stdout, stderr, status } = spawnSync(
    join(root, "node_modules/.bin/node"),
    ["--input-type=module", "--eval", script],
    { cwd: root, encoding: "utf8", env: { PATH: process.env["PATH"] ?? "" } },
  );
  if (status !== 0 && stderr !== "") throw new Error(stderr);
  return stdout.trimEnd().split("\n");
}

/** Lines that the runner would take for commands. */
const commands = (lines: readonly string[]) =>
  lines.filter((line) => /^\s*::|##\[/.test(line.replaceAll("\r", "\n")));

const evil = [
  "::add-mask::x",
  "  ::error::x",
  "a\\n::set-env name=PATH::x",
  "##[error]x",
  "a\\r::stop-commands::t",
];

describe("the log of a runner", () => {
  it("cannot be made to emit a workflow command by what it shows", () => {
    const work = evil.map((text) => `log.info(${JSON.stringify(text).replaceAll("\\\\", "\\")});`);
    expect(commands(printed(work.join("\n")))).toEqual([]);
  });

  it("makes one annotation of a warning, whatever lines it has", () => {
    const lines = printed(`log.warning("one\\n::error::two")`);
    expect(lines).toEqual(["::warning::one%0A: :error::two"]);
  });

  it("makes one group of a title, whatever stands in it", () => {
    const lines = printed(`await log.group("one\\n::error::two", async () => log.info("in"))`);
    expect(lines).toEqual(["::group::one%0A: :error::two", "in", "::endgroup::"]);
  });

  it("masks a value in what it shows, and tells the runner to", () => {
    const lines = printed(`log.mask("hunter2"); log.mask(""); log.info("a hunter2 b")`);
    expect(lines).toEqual(["::add-mask::hunter2", "a *** b"]);
  });

  it("shows progress as plain lines", () => {
    expect(printed(`const p = log.progress("x", 10); p.update(5); p.end();`)).toEqual([""]);
  });
});

it("a step that fails says so in one annotation, with exit code 1", () => {
  const lines = printed(`step.fail("one\\n  ::error::two"); console.log(process.exitCode)`);
  expect(lines).toEqual(["::error::one%0A  ::error::two", "1"]);
});
