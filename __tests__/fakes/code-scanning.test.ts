import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sarifDocument } from "../../src/sarif/document.ts";
import { finding, scan, subject } from "../sarif/scans.ts";
import { type CodeScanning, startCodeScanning, token } from "./code-scanning.ts";

let server: CodeScanning;
beforeAll(async () => {
  server = await startCodeScanning({ pending: 1 });
});
afterAll(() => server.close());

const good = sarifDocument(scan({ "linux/amd64": [finding()] }), subject);
const packed = (document: unknown) => gzipSync(JSON.stringify(document)).toString("base64");
const request = { commit_sha: "a".repeat(40), ref: "refs/heads/main", sarif: packed(good) };

async function call(path: string, body?: string, authorization = `Bearer ${token}`) {
  const response = await fetch(`${server.url}/repos/nsn/director/code-scanning/sarifs${path}`, {
    headers: { authorization },
    ...(body === undefined ? {} : { method: "POST", body }),
  });
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
}

it.each([
  ["no JSON", "{", 400, /parsing JSON/],
  ["a field that is missing", JSON.stringify({ ...request, ref: undefined }), 422, /Missing: ref/],
  ["a field that GitHub does not know", JSON.stringify({ ...request, x: 1 }), 422, /Unknown: x/],
  ["a short commit", JSON.stringify({ ...request, commit_sha: "abc1234" }), 422, /full SHA/],
  [
    "a commit that is not there",
    JSON.stringify({ ...request, commit_sha: "c".repeat(40) }),
    404,
    /not found/,
  ],
  ["a short reference", JSON.stringify({ ...request, ref: "main" }), 422, /full Git reference/],
  ["what is no base64", JSON.stringify({ ...request, sarif: "§" }), 400, /base64/],
  ["what is no gzip", JSON.stringify({ ...request, sarif: "aGVsbG8=" }), 400, /gzip/],
  [
    "what is too large",
    JSON.stringify({ ...request, sarif: randomBytes(10.5 * 2 ** 20).toString("base64") }),
    413,
    /too big/,
  ],
])("refuses %s", async (_, body, status, message) => {
  expect(await call("", body)).toMatchObject({ status, message: expect.stringMatching(message) });
});

it("refuses another token and does not know another upload", async () => {
  expect(await call("", JSON.stringify(request), "Bearer x")).toMatchObject({ status: 401 });
  expect(await call("/up-99")).toMatchObject({ status: 404 });
});

it("takes a good document, and has processed it after a while", async () => {
  const { status, ...received } = await call("", JSON.stringify(request));
  expect(status).toBe(202);
  const path = `/${(received as { id?: string }).id}`;
  expect(await call(path)).toMatchObject({ processing_status: "pending" });
  expect(await call(path)).toMatchObject({ processing_status: "complete" });
});

const [run] = good.runs;
const [result] = run?.results ?? [];
const [rule] = run?.tool.driver.rules ?? [];
const withRun = (more: object) => ({ ...good, runs: [{ ...run, ...more }] });
const withResult = (more: object) => withRun({ results: [{ ...result, ...more }] });
const withRules = (rules: readonly unknown[]) =>
  withRun({ tool: { driver: { ...run?.tool.driver, rules } } });

describe("fails at processing", () => {
  it.each([
    ["what the schema refuses", { ...good, version: "2.0.0" }, /rejecting SARIF: .version/],
    [
      "a property that the schema does not know",
      withRun({ verdict: "x" }),
      /additional properties/,
    ],
    ["no run", { ...good, runs: [] }, /no runs/],
    ["21 runs", { ...good, runs: Array.from({ length: 21 }, () => run) }, /more runs/],
    ["two runs of one category", { ...good, runs: [run, run] }, /the same category/],
    ["a category with a run's name", withRun({ automationDetails: { id: "a/b" } }), /does not end/],
    [
      "an unsuccessful run",
      withRun({ invocations: [{ executionSuccessful: false }] }),
      /unsuccessful/,
    ],
    ["a result without a place", withResult({ locations: [] }), /expected artifact location/],
    ["a result without a rule", withResult({ ruleIndex: 7 }), /ruleIndex/],
    ["a result without a fingerprint", withResult({ partialFingerprints: {} }), /no fingerprint/],
    ["a suppressed result", withResult({ suppressions: [{ kind: "external" }] }), /suppressions/],
    ["a result twice", withRun({ results: [result, { ...result, level: "note" }] }), /one alert/],
    [
      "a place outside the repository",
      withResult({
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "file:///etc/x" },
              region: { startLine: 1 },
            },
          },
        ],
      }),
      /invalid URI/,
    ],
    [
      "a severity that is no number",
      withRules([{ ...rule, properties: { ...rule?.properties, "security-severity": "high" } }]),
      /invalid security severity/,
    ],
    ["a rule without help", withRules([{ ...rule, help: { text: "" } }]), /help.text/],
  ])("%s", async (_, document, error) => {
    const { id } = (await call("", JSON.stringify({ ...request, sarif: packed(document) }))) as {
      id?: string;
    };
    expect(await call(`/${id}`)).toMatchObject({ processing_status: "pending" });
    expect(await call(`/${id}`)).toMatchObject({
      processing_status: "failed",
      errors: expect.arrayContaining([expect.stringMatching(error)]),
    });
  });
});
