import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build } from "../../src/buildx/build.ts";
import type { Builder } from "../../src/buildx/builder.ts";
import { CheckError, CommandError, UsageError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { files } from "../../src/host/files.ts";
import { service } from "../fakes/service.ts";
import { builderOf, fromScratch, openYard, run, type Yard } from "./requests.ts";
import { docker, recorder, storeAt } from "./services.ts";

const minutes = 60_000;
let yard: Yard;
let remote: Builder;

beforeAll(async () => {
  yard = await openYard();
  remote = await builderOf(yard, "remote", [`endpoint=${service("TEST_BUILDKIT_ADDR")}`]);
}, minutes);

afterAll(async () => {
  await remote?.remove();
  await yard?.close();
});

describe("what goes wrong", () => {
  it(
    "an instruction that fails: its place, its step and its last words, and nothing in the log that a runner obeys",
    async () => {
      const log = recorder();
      const failing = `FROM ubuntu:22.04\n\nRUN echo out; echo "::error::err" >&2; exit 3\n`;
      const wanted = await yard.request(failing, { platforms: ["linux/amd64"] });
      const failed = await run(remote, wanted, log).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(CheckError);
      expect(String(failed)).toContain(".Dockerfile:3: the build failed: exit code: 3");
      expect(String(failed)).toContain("/2] RUN echo out");
      expect(String(failed)).toContain("| out");
      expect(log.lines.some((line) => line.endsWith(" ::error::err"))).toBe(true);
      expect(log.lines.filter((line) => /^\s*::/.test(line))).toEqual([]);
    },
    minutes,
  );

  it.each([
    [
      "a file that the context does not have",
      "FROM scratch\nCOPY nothere /x\n",
      CheckError,
      '"/nothere": not found',
    ],
    [
      "an unknown instruction",
      "FROM scratch\nFOO bar\n",
      CheckError,
      ":2: the build failed: dockerfile parse error",
    ],
  ])(
    "%s",
    async (_, dockerfile, kind, message) => {
      const failing = run(remote, await yard.request(dockerfile, { platforms: ["linux/amd64"] }));
      await expect(failing).rejects.toThrow(kind);
      await expect(failing).rejects.toThrow(message);
    },
    minutes,
  );

  it(
    "an image that its registry does not have",
    async () => {
      const failing = run(
        remote,
        await yard.request(`FROM ${yard.registry.host}/none:x\nCOPY hello /x\n`),
      );
      await expect(failing).rejects.toThrow(CheckError);
      await expect(failing).rejects.toThrow("not found");
    },
    minutes,
  );

  it(
    "a stage that is not there",
    async () => {
      const wanted = await yard.request(fromScratch);
      const failing = run(remote, { ...wanted, source: { ...wanted.source, target: "zzz" } });
      await expect(failing).rejects.toThrow(UsageError);
    },
    minutes,
  );

  it("a platform that the builder can neither run nor emulate: how to get emulation", async () => {
    const failed = await run(
      remote,
      await yard.request(fromScratch, { platforms: ["linux/s390x"] }),
    ).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CommandError);
    expect(failed).toMatchObject({
      message: expect.stringContaining("cannot run linux/s390x"),
      todo: expect.stringContaining("tonistiigi/binfmt"),
    });
  });

  it.each([
    [
      "secret-envs: the variable NOT_THERE_AT_ALL is not set",
      { secretEnvs: ["a=NOT_THERE_AT_ALL"] },
    ],
    ["secret-files: /not/there cannot be read", { secretFiles: ["a=/not/there"] }],
  ])("%s", async (message, given) => {
    const failing = run(remote, await yard.request(fromScratch, {}, given));
    await expect(failing).rejects.toThrow(UsageError);
    await expect(failing).rejects.toThrow(message);
  });

  it(
    "an interrupted build stops, and a repeat completes",
    async () => {
      const interrupt = new AbortController();
      const log = recorder();
      const slow = `FROM ubuntu:22.04\nCOPY hello /hello\nRUN test ! -e /run/secrets/slow || sleep 60 # ${Date.now()}\n`;
      const wanted = await yard.request(slow.replace("RUN ", "RUN --mount=type=secret,id=slow "), {
        platforms: ["linux/amd64"],
      });
      const ports = { docker: docker(), files, clock, log, storeAt };
      const info = log.info;
      log.info = (line) => {
        info(line);
        if (/^#\d+ \[.*\] RUN/.test(line))
          setTimeout(() => interrupt.abort(new Error("told to stop")), 500);
      };
      const stopped = build(
        remote,
        { ...wanted, options: { ...wanted.options, secrets: ["slow=1"] } },
        { ...ports, signal: interrupt.signal },
      );
      await expect(stopped).rejects.toThrow("told to stop");
      expect((await build(remote, wanted, ports)).platforms).toHaveLength(1);
    },
    minutes,
  );
});
