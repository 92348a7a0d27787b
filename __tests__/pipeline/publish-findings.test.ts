import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { readEnvironment, type Variables } from "../../src/config/environment.ts";
import { readFacts } from "../../src/config/facts.ts";
import { readConfig } from "../../src/config/read.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { publishFindings } from "../../src/pipeline/publish-findings.ts";
import { type CodeScanning, startCodeScanning, token } from "../fakes/code-scanning.ts";
import { finding, scan } from "../sarif/scans.ts";

const text = "FROM a AS builder\nRUN one\nFROM a AS runtime\nRUN one\nCOPY x /y\n";
let folder: string;
let head: string;
let server: CodeScanning;
const warnings: string[] = [];

const git = (...args: readonly string[]) =>
  exec("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.example", ...args]);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "publish-"));
  await mkdir(join(folder, "images"));
  await writeFile(join(folder, "images", "Dockerfile"), text);
  await writeFile(
    join(folder, "event.json"),
    JSON.stringify({
      repository: { full_name: "nsn/director", html_url: "https://github.com/nsn/director" },
      pull_request: { head: { repo: { full_name: "nsn/director" } }, user: { login: "bob" } },
    }),
  );
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "first");
  head = (await git("rev-parse", "HEAD")).stdout.trim();
  server = await startCodeScanning({ pending: 0, commits: [head, "c".repeat(40)] });
  warnings.length = 0;
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** As a workflow's step does it, with its variables and inputs. */
async function publish(variables: Variables, inputs: Readonly<Record<string, string>> = {}) {
  const environment = readEnvironment(
    {
      ...{ GITHUB_ACTIONS: "true", GITHUB_REPOSITORY: "nsn/director", GITHUB_WORKSPACE: folder },
      ...{ GITHUB_API_URL: server.url, GITHUB_EVENT_PATH: join(folder, "event.json") },
      ...variables,
    },
    folder,
  );
  const log = { info: () => {}, warning: (message: string) => void warnings.push(message) };
  const given: Readonly<Record<string, string>> = { "github-token": token, ...inputs };
  const config = readConfig((name) => given[name], environment);
  const facts = await readFacts(environment, { exec, files, log });
  const ports = {
    ...{ exec, files, clock, fetch: httpFetch(), home: process.cwd() },
    ...{ log: log as never, signal: new AbortController().signal },
  };
  const result = scan({
    "linux/amd64": [finding({ layer: { createdBy: "RUN /bin/sh -c one # buildkit" } })],
  });
  const published = await publishFindings(result, "ghcr.io/nsn/director", { config, facts }, ports);
  const run = JSON.parse(await readFile(published.file, "utf8")).runs[0];
  return { published, run, place: run.results[0].locations[0].physicalLocation };
}

it("finds the Dockerfile's line in the target's stage, and sends the file for the push", async () => {
  const push = { GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main", GITHUB_SHA: head };
  const inputs = {
    file: "images/Dockerfile",
    "sarif-file": "out/a.sarif",
    "sarif-upload": "always",
  };
  const { published, run, place } = await publish(push, inputs);
  expect(published).toMatchObject({ file: join(folder, "out", "a.sarif"), uploaded: true });
  expect(place).toMatchObject({
    ...{ artifactLocation: { uri: "images/Dockerfile" }, region: { startLine: 4 } },
  });
  expect(run.versionControlProvenance[0].revisionId).toBe(head);
  expect(server.uploads).toMatchObject([{ ref: "refs/heads/main", commit: head, errors: [] }]);
  expect(warnings).toEqual([]);
});

it.each([
  ["its merge", () => head, "refs/pull/7/merge"],
  ["its head, where that is checked out", () => "c".repeat(40), "refs/pull/7/head"],
])("sends a pull request's findings for %s", async (_, sha, ref) => {
  const variables = { GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: "refs/pull/7/merge" };
  const { published, run } = await publish({ ...variables, GITHUB_SHA: sha() });
  expect(run.automationDetails.id).toBe("ghcr.io/nsn/director/linux/amd64/");
  expect(published.uploaded).toBe(true);
  expect(server.uploads).toMatchObject([{ ref, commit: head }]);
});

it("names the first line where the action's own Dockerfile is built", async () => {
  const push = { GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/tags/v1", GITHUB_SHA: head };
  const { published, place } = await publish(push);
  expect(published.uploaded).toBe(true);
  expect(place).toMatchObject({
    ...{ artifactLocation: { uri: "Dockerfile.director" }, region: { startLine: 1, endColumn: 1 } },
  });
});

it("carries both commits where a schedule builds another one than its event's", async () => {
  const event = "c".repeat(40);
  const schedule = { GITHUB_EVENT_NAME: "schedule", GITHUB_REF: "refs/heads/main" };
  const { run } = await publish({ ...schedule, GITHUB_SHA: event });
  expect(run.automationDetails.id).toBe("ghcr.io/nsn/director/linux/amd64/rebuild/");
  expect(run.versionControlProvenance).toEqual([
    {
      ...{ repositoryUri: "https://github.com/nsn/director", revisionId: head },
      properties: { event },
    },
  ]);
  expect(server.uploads).toMatchObject([{ ref: "refs/heads/main", commit: event, errors: [] }]);
});
