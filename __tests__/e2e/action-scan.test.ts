import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type CodeScanning, startCodeScanning, token } from "../fakes/code-scanning.ts";
import { pushDatabase } from "../trivy/database-artifact.ts";
import type { Run } from "./act.ts";
import { pullRequestOf, pushOf } from "./events.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";
import { addWeak, madeUp, weakFiles } from "./weak.ts";

jest.setTimeout(60_000);

const dockerfile = `FROM scratch AS runtime
${addWeak}
USER 1000
HEALTHCHECK CMD ["/ok"]
`;

/** What a pull request might try to have its findings overlooked. */
const loosened = {
  ".trivyignore": "CVE-2026-1001\n",
  "trivy.yaml": "severity: [LOW]\nscan: { skip-dirs: [var] }\n",
};

let trials: Trials;
let scanning: CodeScanning;
const commits: string[] = [];

beforeAll(async () => {
  trials = await startTrials();
  const { workspace } = trials;
  await workspace.commitFile("Dockerfile.director", dockerfile);
  let commit = "";
  for (const [path, text] of Object.entries(weakFiles))
    commit = await workspace.commitFile(path, text);
  commits.push(commit);
  scanning = await startCodeScanning({ repository: "operator/node", commits });
});
afterAll(async () => {
  await scanning?.close();
  await trials?.close();
});

const image = (name: string) => `${trials.registry.host}/operator/${name}`;

function start(event: Parameters<Trials["run"]>[1], name: string): Promise<Run> {
  return trials.run("scan.yml", event, {
    variables: { IMAGE: image(name), SCANNING_TOKEN: token },
    env: { GITHUB_API_URL: scanning.url, TRIVY_SEVERITY: "LOW", TRIVY_SKIP_DIRS: "var" },
  });
}

const matching = (part: object) => expect.objectContaining(part);
const findings = async () =>
  JSON.parse(await readFile(join(trials.folders.kept, "findings.sarif"), "utf8"));

describe("a push of an image with a critical weakness", () => {
  let run: Run;
  beforeAll(async () => {
    run = await start(pushOf("refs/heads/main", commits[0] ?? ""), "pushed");
  });

  it("fails, says why, and publishes nothing", async () => {
    expect(run.succeeded).toBe(false);
    expect(run.errors).toEqual([expect.stringContaining("CVE-2026-1001 in made-up-critical")]);
    expect(Object.keys(await tagsOf(image("pushed")))).not.toContain("main");
  });

  it("has told code scanning before it failed, with the line that brought the package", () => {
    expect(scanning.uploads).toMatchObject([{ ref: "refs/heads/main", commit: commits[0] }]);
    expect(scanning.alerts("refs/heads/main")).toEqual([
      { number: 1, rule: "CVE-2026-1001", state: "open" },
    ]);
    expect(scanning.uploads[0]?.sarif.runs[0]?.results?.[0]?.locations).toMatchObject([
      {
        physicalLocation: {
          artifactLocation: { uri: "Dockerfile.director" },
          region: { startLine: 3 },
        },
      },
    ]);
  });

  it("leaves the same findings in the file, the output and the summary", async () => {
    expect(run.outputs["image"]?.["sarif-file"]).toBe(join(trials.folders.kept, "findings.sarif"));
    expect(await findings()).toEqual(scanning.uploads[0]?.sarif);
    expect(JSON.parse(run.outputs["image"]?.["scan"] ?? "")).toMatchObject({
      verdict: "failed",
      // By BuildKit's provenance.
      platforms: [
        { findings: expect.arrayContaining([matching({ layer: matching({ line: 3 }) })]) },
      ],
      outdated: [{ package: "made-up-critical", installed: "1.0-1", fixed: "2.0-1" }],
    });
    expect(run.summaries[0]).toContain("CVE-2026-1001");
    expect(run.printed).not.toContain(token);
  });
});

it("a rebuild that brings the fix closes the alert and is published", async () => {
  commits.push(await trials.workspace.commitFile("packages/made-up-critical", madeUp("2.0-1")));
  const run = await start(pushOf("refs/heads/main", commits.at(-1) ?? ""), "pushed");
  expect(run.errors).toEqual([]);
  expect(scanning.alerts("refs/heads/main")).toMatchObject([{ state: "fixed" }]);
  expect((await tagsOf(image("pushed")))["main"]).toBe(run.outputs["image"]?.["digest"]);
});

describe("a pull request that brings the weakness and tries to have it overlooked", () => {
  let commit: string;
  beforeAll(async () => {
    for (const [path, text] of Object.entries(loosened))
      await trials.workspace.commitFile(path, text);
    commit = await trials.workspace.commitFile("packages/made-up-critical", madeUp("1.0-2"));
    commits.push(commit);
  });

  it("fails, with an alert of its own", async () => {
    const run = await start(pullRequestOf(commit), "pulled");
    expect(run.errors).toEqual([expect.stringContaining("CVE-2026-1001 in made-up-critical")]);
    expect(scanning.uploads.at(-1)).toMatchObject({ ref: "refs/pull/7/merge", commit });
    expect(scanning.alerts("refs/pull/7/merge")).toMatchObject([{ state: "open" }]);
  });

  it("of a fork, fails as well; nothing is sent, and a warning says why", async () => {
    const before = scanning.requests.length;
    const run = await start(pullRequestOf(commit, { from: "stranger/node" }), "forked");
    expect(run.errors).toEqual([expect.stringContaining("CVE-2026-1001 in made-up-critical")]);
    expect(scanning.requests).toHaveLength(before);
    expect(run.commands("warning").map(({ arg }) => arg)).toEqual([
      expect.stringMatching(/not in code scanning: this is a pull request of a fork, whose token/),
    ]);
    expect((await findings()).runs[0].results).toHaveLength(1);
    expect(await tagsOf(image("forked"))).toEqual({});
  });
});

describe("a database from a registry", () => {
  const database = () => `${trials.registry.host}/mirror/trivy-db`;
  let shared: { home: string; cache: string };
  const scan = () =>
    trials.run("scan.yml", pushOf("refs/heads/main", commits[1] ?? ""), {
      ...shared,
      variables: {
        ...{ IMAGE: image("cached"), TRIVY_DB: `${database()}:2`, SCANNING_TOKEN: token },
        // The cache goes by the folder's path, which is the same in every job of a runner, though not of act.
        TEMP: join(shared.home, "temp"),
      },
      env: { GITHUB_API_URL: scanning.url },
    });
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "cached-"));
    shared = { home: join(folder, "home"), cache: join(folder, "cache") };
    await mkdir(shared.home);
    await pushDatabase(database(), "2", new Date());
  });
  afterAll(() => rm(join(shared.home, ".."), { recursive: true, force: true }));

  it("is fetched once, and comes from the repository's cache to the next run", async () => {
    const fetched = `Fetching the vulnerability database of ${database()}:2`;
    expect((await scan()).printed).toContain(fetched);
    const { printed } = await scan();
    expect(printed).toContain(`Vulnerability database of ${database()}:2, updated`);
    expect(printed).not.toContain(fetched);
  });
});
