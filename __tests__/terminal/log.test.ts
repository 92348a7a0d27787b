import { PassThrough } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { terminalLog } from "../../src/terminal/log.ts";

/** A log on a stream that is a terminal or not, and what it wrote. */
function logged(options: { tty?: boolean; quiet?: boolean; verbose?: boolean } = {}) {
  const pass = new PassThrough();
  const stream = Object.assign(pass, { isTTY: options.tty ?? false, columns: 40 });
  const clock = { now: () => time.now };
  const time = { now: 0 };
  const log = terminalLog({
    ...options,
    clock,
    stream: stream as unknown as NodeJS.WriteStream,
  });
  return { log, time, text: () => String(pass.read() ?? "") };
}

describe("the log of a terminal", () => {
  it("shows messages, warnings and the titles of groups, and details only when asked", async () => {
    const { log, text } = logged();
    log.info("one");
    log.debug("two");
    log.warning("three");
    expect(await log.group("four", async () => 5)).toBe(5);
    expect(text()).toBe("one\nwarning: three\n── four\n");
    const verbose = logged({ verbose: true });
    verbose.log.debug("two");
    expect(verbose.text()).toBe("two\n");
  });

  it("shows warnings only when it is to be quiet", async () => {
    const { log, text, time } = logged({ quiet: true, tty: true });
    log.info("one");
    await log.group("two", async () => undefined);
    const progress = log.progress("three", 10);
    time.now = 60_000;
    progress.update(5);
    progress.end();
    log.warning("four");
    expect(text()).toBe("warning: four\n");
  });

  it("hides masked values and what a terminal would obey", () => {
    const { log, text } = logged();
    log.mask("hunter2");
    log.mask("");
    log.info("a hunter2 \u001b[2Jb");
    expect(text()).toBe("a *** [2Jb\n");
  });

  it("writes one line over and over on a terminal, no wider than it, and leaves none", () => {
    const { log, text, time } = logged({ tty: true });
    const progress = log.progress("weights of a model with a long name", 100);
    time.now = 150;
    progress.update(10);
    time.now = 160;
    progress.update(11);
    time.now = 300;
    progress.update(50);
    progress.end();
    const [nothing, first, second, cleared, ...more] = text().split("\r\u001b[2K");
    expect([nothing, cleared, more]).toEqual(["", "", []]);
    expect(first).toBe("weights of a model with a long name  10 ".slice(0, 40));
    expect(second).toHaveLength(40);
  });

  it("prints messages above an open progress bar, which is there again after them", () => {
    const { log, text, time } = logged({ tty: true, verbose: true });
    const clear = "\r\u001b[2K";
    const progress = log.progress("weights", 100);
    log.info("before the bar");
    time.now = 150;
    progress.update(10);
    const bar = "weights  10 B of 100 B (10 %), 67 B/s, 2 s left".slice(0, 40);
    log.info("one\ntwo");
    log.warning("three");
    log.debug("four");
    progress.end();
    log.info("after the bar");
    expect(text()).toBe(
      [
        "before the bar\n",
        `${clear}${bar}`,
        `${clear}one\ntwo\n${bar}`,
        `${clear}warning: three\n${bar}`,
        `${clear}four\n${bar}`,
        `${clear}after the bar\n`,
      ].join(""),
    );
  });
});
