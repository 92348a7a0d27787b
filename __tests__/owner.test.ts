import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isGone, thisProcess } from "../src/owner.ts";

const [pid, machine, started] = thisProcess().split(".");

describe("The owner that a file's name tells of", () => {
  const child = spawn("sleep", ["60"]);
  const ended = spawn("true");
  beforeAll(() => new Promise((resolve) => ended.once("exit", resolve)));
  afterAll(() => {
    child.kill("SIGKILL");
  });

  it.each<[string, () => string, boolean | undefined]>([
    ["is there where it is this process", () => thisProcess(), false],
    ["is there where it is another that runs", () => `${child.pid}.${machine}.1`, false],
    ["is gone where nobody has its id", () => `${ended.pid}.${machine}.${started}`, true],
    ["is gone where it had our id in an earlier container", () => `${pid}.${machine}.1`, true],
    ["is gone where it had our id and tells no start", () => `${pid}.${machine}`, true],
    ["is gone where its id is none", () => `0.${machine}.1`, true],
    ["is not known on another machine", () => `${pid}.another-machine.${started}`, undefined],
    ["is not known where the name tells of none", () => "nobody", undefined],
  ])("%s", (_, owner, gone) => {
    expect(isGone(owner())).toBe(gone);
  });
});
