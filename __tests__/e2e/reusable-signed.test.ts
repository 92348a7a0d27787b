import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type FakeSigstore, startSigstore } from "../fakes/sigstore.ts";
import { run as start } from "../integration/workspace.ts";
import type { Run } from "./act.ts";
import { caller } from "./caller.ts";
import { pushOf } from "./events.ts";
import { tagsOf } from "./published.ts";
import { startTrials, type Trials } from "./trials.ts";

jest.setTimeout(120_000);

/** Who signs: the called workflow, of a version, in a run of another repository. */
const workflow = "nsn/director-image-action/.github/workflows/director-image.yml";
const ref = "refs/tags/v1.2.3";

describe("what the reusable workflow publishes where it can sign", () => {
  let trials: Trials;
  let sigstore: FakeSigstore;
  let run: Run;

  beforeAll(async () => {
    trials = await startTrials();
    const { folder, commitFile } = trials.workspace;
    const at = { repository: "nsn/director-image-action", ref };
    const claims = { ...at, caller: { repository: "operator/node", ref: "refs/heads/main" } };
    sigstore = await startSigstore(claims);
    const { fulcio, rekor, root } = sigstore;
    await writeFile(
      join(folder, ".github", "workflows", "signed.yml"),
      caller({ sigstore: "sigstore.json", sign: "required" }),
    );
    await commitFile("root.json", JSON.stringify(root));
    const instance = { fulcio, rekor, trustedRoot: "root.json" };
    const commit = await commitFile("sigstore.json", JSON.stringify(instance));
    run = await trials.run("signed.yml", pushOf("refs/heads/main", commit), {
      variables: { ALLOW_UNTESTED: "a trial of the workflows" },
      env: {
        ACTIONS_ID_TOKEN_REQUEST_URL: sigstore.source.url,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: sigstore.source.token,
      },
    });
  });
  afterAll(async () => {
    await sigstore?.close();
    await trials?.close();
  });
  const verify = (identity: string) =>
    start(join("node_modules", ".bin", "node"), [
      ...["src/cli.ts", "verify", `${trials.image}@${run.outputs["assemble"]?.["digest"]}`],
      ...["--identity", identity, "--repository", "operator/node", "--allow-untested"],
      ...["--trusted-root", join(trials.workspace.folder, "root.json"), "--json"],
    ]);

  it("is signed in promote, and the tag moves", async () => {
    expect(run.errors).toEqual([]);
    expect(run.succeeded).toBe(true);
    expect((await tagsOf(trials.image))["main"]).toBe(run.outputs["assemble"]?.["digest"]);
    expect(sigstore.requests.tokens.length).toBeGreaterThan(0);
    for (const token of sigstore.tokens) expect(run.printed).not.toContain(token);
  });

  it("is verified by whoever trusts the workflow of that version", async () => {
    const { code, stdout, stderr } = await verify(`https://github.com/${workflow}@${ref}`);
    expect(code === 0 ? "" : `${stdout}${stderr}`).toBe("");
  });

  it("is refused by whoever trusts another workflow", async () => {
    const other = `https://github.com/stranger/director-image-action/.github/workflows/director-image.yml@${ref}`;
    expect((await verify(other)).code).toBe(1);
  });
});
