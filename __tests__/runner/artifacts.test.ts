import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { answer, type Fault, intercept } from "../fakes/faults.ts";
import { type ResultsService, startResultsService } from "../fakes/results-service.ts";

jest.setTimeout(60_000);

const root = join(import.meta.dirname, "../..");

describe("artifacts that their service refuses", () => {
  const faults: Fault[] = [];
  let folder: string;
  let service: ResultsService;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifacts-"));
    await writeFile(join(folder, "prepare.json"), "{}");
    service = await startResultsService({ intercept: intercept(faults) });
  });
  afterEach(async () => {
    faults.length = 0;
    await service.close();
    await rm(folder, { recursive: true });
  });

  /** How a step ends that does this, in a process of its own since the client reads the environment. */
  async function ending(work: string, env: Record<string, string> = {}) {
    const script = `import { artifacts } from "./src/runner/artifacts.ts";
import { ending } from "./src/errors.ts";
const { upload, download } = artifacts;
const folder = ${JSON.stringify(folder)};
try { ${work} } catch (error) { console.log("\\n" + JSON.stringify(ending(error))); }`;
    const { stdout } = await promisify(execFile)(
      join(root, "node_modules/.bin/node"),
      ["--input-type=module", "-e", script],
      {
        cwd: root,
        env: {
          ACTIONS_RESULTS_URL: service.url,
          ACTIONS_RUNTIME_TOKEN: service.token("prepare"),
          ...env,
        },
      },
    );
    const { text, exitCode } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    return { text, exitCode };
  }
  const upload = `await upload("director-image-prepare", folder, ["prepare.json"]);`;
  const download = `await download(() => true, folder + "/to");`;
  const refused = (msg: string) => answer(403, { body: JSON.stringify({ msg }) });

  it.each([
    ["without a runner's token", upload, { ACTIONS_RUNTIME_TOKEN: "" }, "listed"],
    ["the same for a later stage", download, { ACTIONS_RUNTIME_TOKEN: "" }, "listed"],
    [
      "on GitHub Enterprise Server",
      upload,
      { GITHUB_SERVER_URL: "https://ghes.example" },
      "listed",
    ],
    ["where nobody listens", download, { ACTIONS_RESULTS_URL: "http://127.0.0.1:1" }, "listed"],
  ])("%s are the outside world's failure, and the way out is named", async (_, work, env, what) => {
    const { text, exitCode } = await ending(work, env);
    expect(exitCode).toBe(3);
    expect(text).toContain(`The run's artifacts could not be ${what}.\n  because: `);
    expect(text).toContain("GitHub Enterprise Server");
    expect(text).toContain("use stage: all");
    expect(text).not.toMatch(/^\s+at |fault of our own/m);
  });

  it("since the quota is used up says what makes room", async () => {
    faults.push({
      path: "/CreateArtifact",
      does: refused("insufficient usage to create artifact"),
    });
    expect(await ending(upload)).toEqual({
      exitCode: 3,
      text: expect.stringMatching(
        /^The run's artifacts could not be uploaded \(director-image-prepare\)\.\n.*quota(.|\n)*Remove artifacts/,
      ),
    });
  });

  it("at the upload and at the download are named", async () => {
    faults.push({ path: "/CreateArtifact", does: refused("no") });
    expect((await ending(upload)).text).toContain("uploaded (director-image-prepare)");
    faults.length = 0;
    await ending(`${upload} throw "kept";`);
    faults.push({ path: "/GetSignedArtifactURL", does: refused("no") });
    expect(await ending(download)).toEqual({
      exitCode: 3,
      text: expect.stringContaining("could not be downloaded (director-image-prepare)"),
    });
  });
});
