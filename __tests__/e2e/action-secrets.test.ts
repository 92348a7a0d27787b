import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { service } from "../fakes/service.ts";
import type { Run } from "./act.ts";
import { pushOf } from "./events.ts";
import { passwords } from "./passwords.ts";
import { endByForce } from "./processes.ts";
import { builders, leftBehind, startTrials, type Trials } from "./trials.ts";

const limit = 60_000;

/** What the workflows are given; none of it is known to act as a secret. */
const secrets = {
  PASSWORD: passwords.one.plain,
  HUB_TOKEN: "hf_trialsOfTheHubToken",
  API_KEY: "an-api-key-of-the-build",
};

describe("a step with log-ins", () => {
  let trials: Trials;
  beforeAll(async () => {
    trials = await startTrials({ htpasswd: `operator:${passwords.one.hash}` });
  }, limit);
  afterAll(async () => {
    await trials.close();
  });

  describe("that goes well", () => {
    let run: Run;
    beforeAll(async () => {
      const commit = await trials.workspace.commitFile(
        "Dockerfile.telltale",
        `FROM base AS runtime
RUN --mount=type=secret,id=api-key echo "the key is $(cat /run/secrets/api-key)"
`,
      );
      run = await trials.run("secrets.yml", pushOf("refs/heads/main", commit), {
        variables: { ...secrets, BASES: service("TEST_BASES"), FILE: "Dockerfile.telltale" },
      });
    }, limit);

    it("publishes to a registry that asks for them", async () => {
      expect(run.errors).toEqual([]);
      expect(run.succeeded).toBe(true);
      expect(await readdir(trials.registry.data)).not.toEqual([]);
    });

    it("masks every secret before anything else is said", () => {
      const masked = run.commands("add-mask").map(({ arg }) => arg);
      expect(masked).toEqual(expect.arrayContaining(Object.values(secrets)));
      const first = run.entries.findIndex(({ raw_output: printed }) => printed);
      for (const secret of Object.values(secrets))
        expect(run.entries.findIndex(({ arg }) => arg === secret)).toBeLessThan(first);
    });

    it("shows none of them, not even where a build prints it", () => {
      expect(run.printed).toContain("the key is ***");
      for (const secret of Object.values(secrets)) {
        expect(run.printed).not.toContain(secret);
        expect(JSON.stringify(run.summaries)).not.toContain(secret);
        expect(JSON.stringify(run.outputs)).not.toContain(secret);
      }
    });

    it("leaves no builder and no log-in behind", async () => {
      expect(await builders(trials)).toEqual([]);
      expect(await leftBehind(trials)).toEqual([]);
      expect(await filesWith(trials.folders.kept, secrets.PASSWORD)).toEqual([]);
    });
  });

  describe("that is killed in mid-build", () => {
    let run: Run;
    let buildersBefore: readonly string[] = [];
    beforeAll(async () => {
      const commit = await trials.workspace.commitFile(
        "Dockerfile.slow",
        `FROM base AS runtime
RUN echo "it is" waiting && sleep 50
`,
      );
      let kill: Promise<void> | undefined;
      run = await trials.run("slow.yml", pushOf("refs/heads/main", commit), {
        variables: { ...secrets, BASES: service("TEST_BASES") },
        onEntry: ({ msg }) => {
          if (!msg.includes("it is waiting") || kill !== undefined) return;
          kill = (async () => {
            buildersBefore = await readdir(join(trials.folders.docker, "buildx", "instances"));
            await endByForce(join(trials.folders.home, ".cache"), "dist/main/index.js");
          })();
        },
      });
      await kill;
    }, limit);

    it("fails", () => {
      expect(run.succeeded).toBe(false);
      expect(run.result("image", "Main")).toBe("failure");
      expect(run.printed).toContain("it is waiting");
    });

    it("has its builder and its log-in removed by the post part", async () => {
      expect(buildersBefore).toHaveLength(1);
      expect(run.result("image", "Post")).toBe("success");
      expect(await builders(trials)).toEqual([]);
      expect(await leftBehind(trials)).toEqual([]);
      expect(await filesWith(trials.folders.kept, secrets.PASSWORD)).toEqual([]);
    });
  });
});

/** Files below a folder that hold a text, as it is or as HTTP's Basic scheme has it. */
async function filesWith(folder: string, secret: string): Promise<readonly string[]> {
  const forms = [secret, Buffer.from(`operator:${secret}`).toString("base64")];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, "latin1")));
  return paths.filter((_, at) => forms.some((form) => texts[at]?.includes(form)));
}
