import { RemoteError } from "../errors.ts";
import { type Api, type ApiPorts, callApi } from "./api.ts";
import { refusalOf } from "./setting.ts";
import type { Refusal, Target } from "./target.ts";
import { plain } from "./text.ts";

/** Undefined `notSure`: code scanning has processed it. */
export type Upload =
  | { readonly uploaded: true; readonly notSure: string | undefined }
  | ({ readonly uploaded: false } & Refusal);

/** How long a processing is waited for, and between two looks, in milliseconds. */
const patience = 120_000;
const pause = 3_000;

/** Sends a gzipped SARIF document and waits until code scanning has processed it. A RemoteError where GitHub cannot be reached or cannot read them. */
export async function uploadSarif(
  gzip: Uint8Array,
  { repository, ref, commit }: Target,
  api: Api,
  ports: ApiPorts,
): Promise<Upload> {
  const path = `repos/${repository}/code-scanning/sarifs`;
  const sarif = Buffer.from(gzip).toString("base64");
  const body = JSON.stringify({ commit_sha: commit, ref, sarif, tool_name: "Trivy" });
  const answer = await callApi({ method: "POST", path, body }, api, ports);
  if (answer.status !== 202) return { uploaded: false, ...refusalOf(answer) };
  const { id } = answer.fields;
  if (typeof id !== "string" || id === "")
    throw new RemoteError(`POST ${path}: GitHub took the findings, but named no id to ask for.`);
  return await processed(`${path}/${encodeURIComponent(id)}`, api, ports);
}

async function processed(path: string, api: Api, ports: ApiPorts): Promise<Upload> {
  const { clock, signal } = ports;
  const notSure = (why: string): Upload => ({ uploaded: true, notSure: why });
  const end = clock.now() + patience;
  while (clock.now() < end) {
    await clock.sleep(pause, signal);
    const answer = await stateOf(path, api, ports);
    if (typeof answer === "string") return notSure(answer);
    const { processing_status: state, errors } = answer.fields;
    // An upload is not found until GitHub has looked at it.
    if (answer.status === 404 || state === "pending") continue;
    if (answer.status !== 200) return notSure(`HTTP ${answer.status}: ${answer.said}`);
    if (state === "complete") return { uploaded: true, notSure: undefined };
    if (state === "failed") throw failed(errors);
    return notSure(`its state is "${plain(String(state), 50)}"`);
  }
  return notSure(`it is not done after ${patience / 1000}s`);
}

/** Why it cannot be asked for, where it cannot: the findings are there all the same. */
async function stateOf(path: string, api: Api, ports: ApiPorts) {
  try {
    return await callApi({ method: "GET", path }, api, ports);
  } catch (error) {
    if (ports.signal.aborted || !(error instanceof RemoteError)) throw error;
    return error.message;
  }
}

function failed(errors: unknown): RemoteError {
  const all = Array.isArray(errors) ? errors.map((error) => plain(String(error), 300)) : [];
  const reasons = all.slice(0, 5).join("; ") || "it gives no reason";
  return new RemoteError(`Code scanning could not process the findings: ${reasons}.`, {
    todo: "If no setting of the repository is the reason, please report it.",
  });
}
