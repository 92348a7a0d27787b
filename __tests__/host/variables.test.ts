import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { exec } from "../../src/host/exec.ts";
import { spawn } from "../../src/host/spawn.ts";

const identity = {
  ACTIONS_ID_TOKEN_REQUEST_URL: "https://tokens.example/?api-version=2.0",
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the-right-to-speak",
};

describe("the identity of a job is not given to programs", () => {
  beforeEach(() => void Object.assign(process.env, identity, { SEEN: "yes" }));
  afterEach(() => {
    for (const name of [...Object.keys(identity), "SEEN"]) delete process.env[name];
  });

  it.each([
    ["that have this process's environment", {}],
    [
      "that have one of their own",
      { env: { ...identity, PATH: process.env["PATH"] ?? "", SEEN: "yes" } },
    ],
  ])("%s", async (_, options) => {
    const { stdout } = await exec("env", [], options);
    expect(stdout).toContain("SEEN=yes");
    expect(stdout).not.toContain("ACTIONS_ID_TOKEN_REQUEST");
    expect(process.env).toMatchObject(identity);
  });

  it("that are not waited for", async () => {
    const lines: string[] = [];
    const env = { ...identity, PATH: process.env["PATH"] ?? "", SEEN: "yes" };
    const { ended } = await spawn("sh", ["-c", "env; sleep 0.1"], {
      env,
      onLine: (line) => lines.push(line),
    });
    expect(await ended).toBe(0);
    expect(lines).toContain("SEEN=yes");
    expect(lines.join()).not.toContain("ACTIONS_ID_TOKEN_REQUEST");
  });
});
