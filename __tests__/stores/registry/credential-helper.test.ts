import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CommandError, InterruptedError } from "../../../src/errors.ts";
import { dockerCredential } from "../../../src/stores/registry/docker-config.ts";
import { type Desk, openDesk, until } from "../../commands/program.ts";
import { startRegistry } from "../../fakes/registry.ts";
import { testPorts } from "../ports.ts";

/** A folder with a credential helper that never answers, and a configuration of Docker that names it. */
let folder: string;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "helper-"));
  const script = `#!/bin/sh\necho asked > '${folder}/asked'\nexec sleep 60\n`;
  await writeFile(join(folder, "docker-credential-silent"), script, { mode: 0o755 });
  await writeFile(join(folder, "config.json"), JSON.stringify({ credsStore: "silent" }));
  env = { PATH: `${folder}:${process.env["PATH"]}`, DOCKER_CONFIG: folder };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("A credential helper that never answers", () => {
  const ask = (limit?: number, signal?: AbortSignal) => {
    const { exec, ...ports } = testPorts();
    return dockerCredential(
      "registry.example",
      folder,
      {
        ...ports,
        exec: (program, args, options) => exec(program, args, { ...options, env }),
        ...(signal === undefined ? {} : { signal }),
      },
      limit,
    );
  };

  it("is stopped in time, and named", async () => {
    const asked = ask(300);
    await expect(asked).rejects.toThrow(CommandError);
    await expect(asked).rejects.toThrow(
      "docker-credential-silent gave no log-in for registry.example within 1 s, and was stopped.",
    );
  });

  it("is not waited for when the run is told to stop", async () => {
    const stop = new AbortController();
    const asked = ask(undefined, stop.signal);
    setTimeout(() => stop.abort(new InterruptedError("SIGTERM")), 200);
    await expect(asked).rejects.toThrow(InterruptedError);
  });
});

describe("The command line", () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk(env);
  });
  afterAll(() => desk.remove());

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("ends at %s while a credential helper hangs", async (signal, code) => {
    await rm(join(folder, "asked"), { force: true });
    const auth = { scheme: "basic", username: "octocat", password: "secret" } as const;
    const registry = await startRegistry({ auth });
    const lock = join(import.meta.dirname, "../../../models.lock.json");
    const image = `${registry.host}/nsn/models:v1`;
    const { child, ended } = desk.start(["models", "verify", "--lock", lock, "--image", image]);
    const { files } = testPorts();
    await until("the helper", () =>
      files.stat(join(folder, "asked")).then(
        () => true,
        () => false,
      ),
    );
    const begun = Date.now();
    child.kill(signal);
    const said = await ended;
    await registry.close();
    expect(said).toMatchObject({ code, stdout: "" });
    expect(said.stderr).toContain(`Interrupted by ${signal}.`);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });
});
