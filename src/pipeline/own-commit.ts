import type { Config } from "../config/config.ts";
import { CheckError, explain } from "../errors.ts";
import { callApi } from "../sarif/api.ts";
import type { Ports } from "./ports.ts";

type Asked = Pick<Config, "workflowSha" | "action" | "github">;

/**
 * Holds the reusable workflow's commit against the action's, as GitHub's API gives it for the reference by which the workflow names it
 * ("Get a commit"). A CheckError where they differ: a moved tag, or a workflow and an action of different versions. Where GitHub does not say
 * (another server, a private repository), that is a warning.
 */
export async function checkOwnCommit(
  { workflowSha, action, github }: Asked,
  ports: Pick<Ports, "clock" | "fetch" | "log" | "signal">,
): Promise<void> {
  if (workflowSha === undefined || action === undefined) return;
  const name = `${action.repository}@${action.ref}`;
  if (action.ref === workflowSha) return;
  const { commit, why } = await commitOf(action, github, ports);
  if (commit === undefined) {
    ports.log.warning(
      `Whether ${name} is of the workflow's own commit ${workflowSha} could not be told: ${why}.`,
    );
    return;
  }
  if (commit === workflowSha) return;
  throw new CheckError(
    `The workflow is of commit ${workflowSha}, but the action that it runs, ${name}, is of ${commit}. Nothing was built.`,
    {
      todo: `Call the workflow by a release (…@${action.ref}), or by the commit of one: ${commit}.`,
    },
  );
}

async function commitOf(
  { repository, ref }: NonNullable<Config["action"]>,
  { api, token }: Config["github"],
  ports: Pick<Ports, "clock" | "fetch" | "log" | "signal">,
): Promise<{ commit?: string; why?: string }> {
  if (token === undefined || !URL.canParse(api)) return { why: "there is no token for GitHub" };
  const path = `repos/${repository}/commits/${encodeURIComponent(ref)}`;
  try {
    const at = { url: new URL(api), token };
    const { status, fields, said } = await callApi({ method: "GET", path }, at, ports);
    const { sha } = fields;
    if (status === 200 && typeof sha === "string") return { commit: sha };
    return { why: `GitHub answers HTTP ${status} (${said})` };
  } catch (error) {
    if (ports.signal.aborted) throw error;
    return { why: explain(error) };
  }
}
