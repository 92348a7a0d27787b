import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { RemoteError, UsageError } from "../../src/errors.ts";
import { answer, disconnectAfter, type Fault, intercept } from "../fakes/faults.ts";
import { closeAll, codeScanning, publisher, push } from "./publishing.ts";
import { finding, scan } from "./scans.ts";

afterEach(closeAll);

const withFaults = (faults: readonly Fault[]) => codeScanning({ intercept: intercept(faults) });
const says = (status: number, message: string, headers: Record<string, string> = {}) =>
  answer(status, { body: JSON.stringify({ message }), headers });

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

describe("what passes is waited for", () => {
  const inAMinute = String(1_700_000_000 + 60);
  it.each([
    ["a busy GitHub", [503, "Unavailable", {}], 2000],
    ["a fault of GitHub's", [500, "Server Error", {}], 2000],
    [
      "a secondary limit with a time",
      [403, "You have exceeded a secondary rate limit.", { "retry-after": "90" }],
      90_000,
    ],
    [
      "a secondary limit without one",
      [403, "You have exceeded a secondary rate limit.", {}],
      60_000,
    ],
    [
      "a limit that ends at a time",
      [
        403,
        "API rate limit exceeded",
        { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inAMinute },
      ],
      60_000,
    ],
    ["too many requests", [429, "Too many", { "retry-after": "5" }], 5000],
  ] as const)("%s", async (_, [status, message, headers], wait) => {
    const faults = [{ method: "POST", nth: 1, does: says(status, message, headers) }];
    const { publish, slept, infos } = await publisher(await withFaults(faults));
    expect(await publish({ upload: "always" })).toMatchObject({ uploaded: true });
    expect(slept[0]).toBe(wait);
    expect(infos[0]).toContain(`HTTP ${status}`);
  });

  it("a connection that breaks", async () => {
    const server = await withFaults([{ method: "POST", nth: 1, does: disconnectAfter(0) }]);
    const { publish, slept } = await publisher(server);
    expect(await publish()).toMatchObject({ uploaded: true });
    expect(slept[0]).toBe(2000);
  });

  it("but not for ever: five times, then it is a warning", async () => {
    const server = await withFaults([{ method: "POST", does: says(503, "Unavailable") }]);
    const { publish, slept, warnings } = await publisher(server);
    expect(await publish()).toMatchObject({
      uploaded: false,
      why: expect.stringContaining("5 attempts"),
    });
    expect(server.requests).toHaveLength(5);
    expect(slept).toHaveLength(4);
    expect(warnings).toHaveLength(1);
  });

  it("nor for an hour", async () => {
    const limit = says(403, "API rate limit exceeded", { "retry-after": "3600" });
    const server = await withFaults([{ method: "POST", does: limit }]);
    const { publish, slept } = await publisher(server);
    expect(await publish()).toMatchObject({
      uploaded: false,
      why: expect.stringContaining("3600s"),
    });
    expect(slept).toEqual([]);
    await expect(publish({ upload: "always" })).rejects.toBeInstanceOf(RemoteError);
  });
});

describe("what code scanning makes of it", () => {
  const state = (does: Fault["does"]) => withFaults([{ method: "GET", does }]);

  it("is shown where it could not be processed", async () => {
    const errors = ["rejecting SARIF, as there are more runs than allowed"];
    const failing = () =>
      state(answer(200, { body: JSON.stringify({ processing_status: "failed", errors }) }));
    const { publish, warnings } = await publisher(await failing());
    expect(await publish()).toMatchObject({
      uploaded: false,
      why: expect.stringContaining(errors[0] ?? ""),
    });
    expect(warnings[0]).toContain("more runs than allowed");
    const always = await publisher(await failing());
    await expect(always.publish({ upload: "always" })).rejects.toBeInstanceOf(RemoteError);
  });

  it.each([
    [
      "is not waited for longer than two minutes",
      answer(200, { body: '{"processing_status":"pending"}' }),
      /not done after 120s/,
    ],
    [
      "is not known where it may not be asked",
      says(403, "Resource not accessible by integration"),
      /HTTP 403/,
    ],
    ["is not known where GitHub stays busy", says(503, "Unavailable"), /5 attempts/],
    [
      "is not known in words of tomorrow",
      answer(200, { body: '{"processing_status":"resting"}' }),
      /"resting"/,
    ],
    ["is not known where the answer is no JSON", answer(200, { body: "<html>" }), /"undefined"/],
  ])("%s, and the findings are there all the same", async (_, does, why) => {
    const { publish, warnings } = await publisher(await state(does));
    expect(await publish({ upload: "always" })).toMatchObject({
      ...{ uploaded: true, why: expect.stringMatching(why) },
    });
    expect(warnings).toEqual([expect.stringContaining("is not certain")]);
  });

  it("is asked for again while the upload is not found yet", async () => {
    const faults = [{ method: "GET", nth: [1, 2], does: says(404, "Not Found") }];
    const { publish, warnings } = await publisher(await withFaults(faults));
    expect(await publish()).toMatchObject({ uploaded: true });
    expect(warnings).toEqual([]);
  });
});

describe("the token", () => {
  it("goes on with the findings to another place of the same host", async () => {
    const moved: Fault["does"] = () => (request, response) => {
      request.resume();
      response.writeHead(307, { location: request.url?.replace("/old/", "/nsn/") }).end();
    };
    const server = await withFaults([{ path: "/old/", does: moved }]);
    const { publish, asked } = await publisher(server);
    const occasion = { ...push, repository: { url: "https://github.com/old/director" } };
    expect(await publish({ occasion })).toMatchObject({ uploaded: true });
    expect(server.uploads).toHaveLength(1);
    expect(new Set(asked.map(({ url }) => url.host)).size).toBe(1);
  });

  it("goes to no other host, and neither do the findings", async () => {
    const seen: unknown[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.headers);
      response.end();
    });
    await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
    const place = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
    const server = await withFaults([
      { method: "POST", does: answer(307, { headers: { location: place } }) },
    ]);
    const { publish } = await publisher(server);
    expect(await publish()).toMatchObject({
      uploaded: false,
      why: expect.stringContaining("Nothing was sent there"),
    });
    expect(seen).toEqual([]);
    await new Promise((resolve) => thief.close(resolve));
  });

  it("does not go round in circles", async () => {
    const here = answer(302, { headers: { location: "/api/v3/again" } });
    const server = await withFaults([{ does: here }]);
    const { publish } = await publisher(server);
    expect(await publish()).toMatchObject({
      why: expect.stringContaining("redirects more than 3 times"),
    });
    expect(server.requests).toHaveLength(4);
  });
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
