import { afterEach, describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { closeAll, codeScanning, publisher, push, says, withFaults } from "./publishing.ts";
import { finding, scan } from "./scans.ts";

afterEach(closeAll);

describe("findings that are published", () => {
  it("are written, sent for the commit and the branch, and waited for", async () => {
    const server = await codeScanning({ pending: 3 });
    const { publish, written, file, infos, warnings, slept } = await publisher(server);
    expect(await publish()).toEqual({
      ...{ file, uploaded: true },
      url: "https://github.com/nsn/director/security/code-scanning?query=is%3Aopen%20branch%3Amain",
    });
    const [upload] = server.uploads;
    expect(upload).toMatchObject({ ref: "refs/heads/main", commit: "a".repeat(40), errors: [] });
    expect(upload?.sarif).toEqual(await written());
    expect(server.alerts("refs/heads/main")).toEqual([
      { number: 1, rule: "CVE-2024-0001", state: "open" },
    ]);
    expect(slept).toEqual([3000, 3000, 3000, 3000]);
    expect(warnings).toEqual([]);
    expect(infos).toEqual([
      expect.stringMatching(
        /^The findings are in code scanning for refs\/heads\/main at a{12}: https/,
      ),
    ]);
  });

  it("stay the same alerts across builds and platforms, and close when no platform has them", async () => {
    const server = await codeScanning();
    const { publish } = await publisher(server);
    const gone = finding({ package: "zlib" });
    const states = () => server.alerts(push.ref).map(({ number, state }) => `${number} ${state}`);
    await publish({}, scan({ "linux/amd64": [finding(), gone], "linux/arm64": [finding()] }));
    expect(states()).toEqual(["1 open", "2 open"]);
    await publish({}, scan({ "linux/amd64": [], "linux/arm64": [finding()] }, "rebuilt"));
    expect(states()).toEqual(["1 open", "2 fixed"]);
    // As two jobs send it, one for each platform, the second of which could not read its image.
    await publish({}, scan({ "linux/amd64": [gone] }, "3"));
    await publish({}, scan({ "linux/arm64": undefined }, "3"));
    expect(states()).toEqual(["1 open", "2 open"]);
    await publish(
      {},
      scan({ "linux/amd64": [], "linux/arm64": [finding({ accepted: "x" })] }, "4"),
    );
    expect(states()).toEqual(["1 fixed", "2 fixed"]);
  });

  it("go to a pull request's head where that was checked out", async () => {
    const head = "b".repeat(40);
    const server = await codeScanning({ commits: [head] });
    const { publish } = await publisher(server);
    const occasion = { ...push, event: "pull_request", ref: "refs/pull/7/merge" };
    expect(await publish({ occasion, checkedOut: head })).toMatchObject({ uploaded: true });
    expect(server.uploads[0]).toMatchObject({ ref: "refs/pull/7/head", commit: head });
  });

  it("are only written where nothing is to be uploaded", async () => {
    const server = await codeScanning();
    const { publish, written, file, warnings } = await publisher(server);
    expect(await publish({ upload: "never" })).toEqual({
      ...{ file, uploaded: false, why: "sarif-upload: never" },
    });
    expect((await written()).runs).toHaveLength(1);
    expect(server.requests).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("are not sent where no platform was read", async () => {
    const server = await codeScanning();
    const { publish, written, warnings } = await publisher(server);
    expect(await publish({ upload: "always" }, scan({ "linux/amd64": undefined }))).toMatchObject({
      ...{ uploaded: false, why: "no platform could be read" },
    });
    expect((await written()).runs).toEqual([]);
    expect(server.requests).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("linux/amd64 was not read")]);
  });
});

const refusals: readonly (readonly [string, number, string, RegExp])[] = [
  [
    "no licence",
    403,
    "Advanced Security must be enabled for this repository to use code scanning.",
    /switch GitHub Code Security on/,
  ],
  [
    "no licence, in newer words",
    403,
    "Code Security must be enabled for this repository to use code scanning.",
    /switch GitHub Code Security on/,
  ],
  [
    "code scanning switched off",
    403,
    "Code scanning is not enabled for this repository. Please enable code scanning in the repository settings.",
    /switch code scanning on/,
  ],
  ["no permission", 403, "Resource not accessible by integration", /security-events: write/],
  [
    "a token of a person",
    403,
    "Resource not accessible by personal access token",
    /scope security_events/,
  ],
  ["a repository that the token does not see", 404, "Not Found", /security-events: write/],
  ["a token that is not valid", 401, "Bad credentials", /github-token is not valid/],
  ["an archive", 403, "Repository was archived so is read-only.", /archived/],
  ["words that nobody foresaw", 422, "::error::no\nthanks", /in the file/],
];

describe.each(refusals)("%s", (_, status, message, todo) => {
  const refusing = () => withFaults([{ method: "POST", does: says(status, message) }]);

  it("is a warning that says what to set, and the findings are in the file", async () => {
    const { publish, written, warnings, slept } = await publisher(await refusing());
    const published = await publish();
    expect(published).toMatchObject({
      uploaded: false,
      why: expect.stringContaining(`HTTP ${status}`),
    });
    expect(warnings).toEqual([expect.stringMatching(todo)]);
    expect(warnings[0]).toMatch(/^The findings are not in code scanning: .*\.\n {2}[A-Z].*\.$/);
    expect((await written()).runs).toHaveLength(1);
    expect(slept).toEqual([]);
  });

  it("is an error where the upload must be", async () => {
    const { publish, warnings } = await publisher(await refusing());
    const error = await publish({ upload: "always" }).catch((caught) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^sarif-upload: always, but GitHub refused the findings/);
    expect(error.todo).toMatch(todo);
    expect(warnings).toEqual([]);
  });
});

describe("a fork's pull request", () => {
  const occasion = {
    ...push,
    event: "pull_request",
    ref: "refs/pull/7/merge",
    untrusted: "a fork",
  };

  it("passes, says so, and asks GitHub nothing", async () => {
    const server = await codeScanning();
    const { publish, warnings } = await publisher(server);
    expect(await publish({ occasion })).toMatchObject({
      ...{ uploaded: false, why: "this is a pull request of a fork, whose token can only read" },
    });
    expect(warnings).toHaveLength(1);
    expect(server.requests).toEqual([]);
  });

  it("is an error where the upload must be", async () => {
    const { publish } = await publisher(await codeScanning());
    await expect(publish({ occasion, upload: "always" })).rejects.toThrow(
      /^sarif-upload: always, but this is a pull/,
    );
  });
});

it.each([
  ["no token", { token: undefined }, /no token for GitHub/],
  ["an API without TLS", { url: "http://ghes.example/api/v3" }, /"http:\/\/ghes.example\/api\/v3"/],
  ["an API that is no address", { url: "" }, /GITHUB_API_URL is ""/],
])("with %s nothing is sent", async (_, api, why) => {
  const server = await codeScanning();
  const { publish, asked } = await publisher(server);
  const published = await publish({ api: { url: server.url, token: "t", ...api } });
  expect(published).toMatchObject({ uploaded: false, why: expect.stringMatching(why) });
  expect(asked).toEqual([]);
});

it("on a person's machine the file is enough", async () => {
  const { publish, warnings, infos } = await publisher(await codeScanning());
  const occasion = { ...push, event: "local" };
  expect(await publish({ occasion })).toMatchObject({ uploaded: false });
  expect(warnings).toEqual([]);
  expect(infos).toEqual([expect.stringContaining("no workflow")]);
});

it("ends when the run is stopped", async () => {
  const { publish, stop } = await publisher(await codeScanning());
  stop.abort(new Error("stopped"));
  await expect(publish()).rejects.toThrow("stopped");
});
