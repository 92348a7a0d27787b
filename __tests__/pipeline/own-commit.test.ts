import { afterEach, expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { CheckError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { checkOwnCommit } from "../../src/pipeline/own-commit.ts";
import { closeServers, serve } from "../host/servers.ts";

const commit = "c".repeat(40);
afterEach(closeServers);

/** As a step of the reusable workflow asks, of an API that knows one repository's tag. */
async function ask(given: Readonly<Record<string, string>>, ref = "v1.0.0") {
  const asked: string[] = [];
  const warnings: string[] = [];
  const port = await serve((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    const found = request.url === "/repos/nsn/director-image-action/commits/v1.0.0";
    response.writeHead(found ? 200 : 404);
    response.end(JSON.stringify(found ? { sha: commit } : { message: "Not Found" }));
  });
  const environment = readEnvironment(
    {
      ...{ GITHUB_ACTIONS: "true", GITHUB_REPOSITORY: "operator/node" },
      GITHUB_API_URL: `http://127.0.0.1:${port}`,
      ...{ GITHUB_ACTION_REPOSITORY: "nsn/director-image-action", GITHUB_ACTION_REF: ref },
    },
    "/work",
  );
  const inputs: Readonly<Record<string, string>> = { "github-token": "t0", ...given };
  const config = readConfig((name) => inputs[name], environment);
  const log = { warning: (text: string) => void warnings.push(text), info: () => undefined };
  await checkOwnCommit(config, {
    ...{ clock, fetch: httpFetch(), log: log as never },
    signal: new AbortController().signal,
  });
  return { asked, warnings };
}

it("asks nobody where the workflow's commit is not known", async () => {
  expect(await ask({})).toEqual({ asked: [], warnings: [] });
});

it("is content where the action's tag is at the workflow's commit", async () => {
  expect(await ask({ "workflow-sha": commit })).toEqual({
    asked: ["/repos/nsn/director-image-action/commits/v1.0.0 Bearer t0"],
    warnings: [],
  });
});

it("refuses a workflow of another commit, and names both", async () => {
  const other = ask({ "workflow-sha": "d".repeat(40) });
  await expect(other).rejects.toThrow(CheckError);
  await expect(other).rejects.toThrow(
    `The workflow is of commit ${"d".repeat(40)}, but the action that it runs, nsn/director-image-action@v1.0.0, is of ${commit}.`,
  );
});

it("warns where GitHub does not say", async () => {
  const { warnings } = await ask({ "workflow-sha": commit }, "v9.9.9");
  expect(warnings).toEqual([expect.stringContaining("HTTP 404 (Not Found)")]);
});
