import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { answer, disconnectAfter, type Fault } from "../fakes/faults.ts";
import { closeAll, publisher, push, says, withFaults } from "./publishing.ts";

afterEach(closeAll);

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
