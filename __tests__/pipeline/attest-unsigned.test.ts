import { describe, expect, it } from "@jest/globals";
import { attesting } from "./attesting.ts";

const start = attesting();

describe("nothing is signed", () => {
  it.each([
    [
      "without an identity",
      { variables: { ACTIONS_ID_TOKEN_REQUEST_URL: "" } },
      "the job has no permission id-token: write",
    ],
    ["on the command line", { variables: { GITHUB_ACTIONS: "" } }, /^this is no job of a workflow/],
    ["where the input says so", { inputs: { sign: "off" } }, "sign is off"],
    [
      "by a Sigstore that a pull request's files name",
      { variables: { GITHUB_EVENT_NAME: "pull_request" } },
      "the files of a pull request do not say where tokens go (sigstore)",
    ],
    [
      "on a server of one's own by the public good instance",
      { variables: { GITHUB_SERVER_URL: "https://git.example" }, inputs: { sigstore: "" } },
      /^Sigstore's public good instance takes no tokens of https:\/\/git\.example/,
    ],
  ])("%s, and the result says why", async (_, wishes, why) => {
    const { promote, said, sigstore } = await start();
    const result = await promote(wishes);
    expect(result.unsigned).toMatch(why);
    expect(result.tags.map(({ moved }) => moved)).toEqual([true, true]);
    expect(await said()).toEqual([]);
    expect(sigstore.requests.tokens).toEqual([]);
  });

  it("for a private repository by the public good instance, unless it is required", async () => {
    const { promote, sigstore } = await start({ claims: { visibility: "private" } });
    const { unsigned } = await promote({ inputs: { sigstore: "" } });
    expect(unsigned).toMatch(/^the repository is private, and Sigstore's log would show its name/);
    expect(sigstore.requests.fulcio).toEqual([]);
  });
});

it("shows the job's secrets to none but whom they are for", async () => {
  const { promote, registry, sigstore, ports } = await start();
  await promote();
  const [token = "none"] = sigstore.tokens;
  for (const secret of [token, sigstore.source.token]) {
    expect(JSON.stringify([registry.requests, registry.storageRequests])).not.toContain(secret);
    expect(JSON.stringify(sigstore.requests.rekor)).not.toContain(secret);
    expect(ports.lines.join("\n")).not.toContain(secret);
    expect(ports.masked).toContain(secret);
  }
});
