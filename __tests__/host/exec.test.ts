import { describe, expect, it } from "@jest/globals";
import { CommandError, InterruptedError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";

describe("a program", () => {
  it("gives its exit code and all it printed, and lines as they come", async () => {
    const lines: string[] = [];
    const result = await exec("sh", ["-c", "echo out; echo err >&2; cat; exit 3"], {
      input: "in",
      onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    });
    expect(result).toEqual({ code: 3, stdout: "out\nin", stderr: "err\n" });
    expect(lines.sort()).toEqual(["stderr: err", "stdout: in", "stdout: out"]);
  });

  it("that is not there is named", async () => {
    const failing = exec("no-such-program-here", []);
    await expect(failing).rejects.toThrow(CommandError);
    await expect(failing).rejects.toThrow("no-such-program-here could not be started.");
  });

  it("that was killed is named with its signal", async () => {
    await expect(exec("sh", ["-c", "kill -9 $$"])).rejects.toThrow("sh was ended by SIGKILL.");
  });

  it("is told to stop, may end in order, and what it started is not waited for", async () => {
    const stop = new AbortController();
    const begun = Date.now();
    const seen: string[] = [];
    const running = exec("sh", ["-c", "trap 'echo bye; exit 0' TERM; echo ready; sleep 4 & wait"], {
      signal: stop.signal,
      onLine: (line) => {
        seen.push(line);
        if (line === "ready") stop.abort(new InterruptedError("SIGTERM"));
      },
    });
    await expect(running).rejects.toThrow(InterruptedError);
    expect(seen).toEqual(["ready", "bye"]);
    expect(Date.now() - begun).toBeLessThan(3_500);
  });

  it("is not even started once the run was told to stop", async () => {
    const signal = AbortSignal.abort(new InterruptedError("SIGINT"));
    await expect(exec("sh", ["-c", "exit 0"], { signal })).rejects.toThrow(
      "Interrupted by SIGINT.",
    );
  });

  it("sees the environment that it is given and nothing else", async () => {
    const { stdout } = await exec("/usr/bin/env", [], { env: { ONLY: "this" } });
    expect(stdout).toBe("ONLY=this\n");
  });
});
