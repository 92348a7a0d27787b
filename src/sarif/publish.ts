import { dirname } from "node:path";
import { inSentence, RemoteError, UsageError } from "../errors.ts";
import { isLoopback } from "../images/loopback.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { replaceFile } from "../replace-file.ts";
import type { ScanResult } from "../results/stages.ts";
import type { Api, ApiPorts } from "./api.ts";
import type { Subject } from "./document.ts";
import { type Fitted, fitted } from "./fit.ts";
import { type Occasion, type Refusal, type Target, targetOf } from "./target.ts";
import { uploadSarif } from "./upload.ts";

export interface Publication {
  readonly subject: Subject;
  /** Where the document is written. */
  readonly file: string;
  readonly upload: "auto" | "always" | "never";
  readonly occasion: Occasion;
  /** The commit that the checkout is at, where that can be told. */
  readonly checkedOut: string | undefined;
  readonly api: { readonly url: string; readonly token: string | undefined };
}

export interface Published {
  readonly file: string;
  readonly uploaded: boolean;
  /** Why it was not uploaded, or why that is not certain. */
  readonly why?: string;
  /** Where the alerts are shown. */
  readonly url?: string;
}

interface Ports extends Omit<ApiPorts, "log"> {
  readonly files: Pick<Files, "mkdir" | "writeFile" | "rename" | "rm">;
  readonly log: Pick<Log, "info" | "warning">;
}

/**
 * Writes the findings as SARIF and sends them to code scanning; for use before the verdict fails the step. What keeps them from there is a
 * warning that says which setting to change, with `always` an error; with `never` they are only written.
 */
export async function publishSarif(
  result: ScanResult,
  publication: Publication,
  ports: Ports,
): Promise<Published> {
  const { file, upload } = publication;
  const document = await writeSarif(result, publication, ports);
  if (upload === "never") return { file, uploaded: false, why: "sarif-upload: never" };
  if (document.runs === 0) return { file, uploaded: false, why: "no platform could be read" };
  const sent = await send(document, publication, ports);
  if (sent.uploaded) return { file, ...sent };
  if (upload === "always")
    throw sent.error ?? new UsageError(`sarif-upload: always, but ${sent.why}.`, sent);
  const text = `The findings are not in code scanning: ${sent.why}.`;
  if (publication.occasion.event === "local") ports.log.info(text);
  else ports.log.warning(`${text}\n  ${sent.todo}`);
  return { file, uploaded: false, why: sent.why };
}

/** Writes the findings as SARIF; a warning says what is not in the file. */
export async function writeSarif(
  result: ScanResult,
  { subject, file }: Pick<Publication, "subject" | "file">,
  { files, log }: Pick<Ports, "files" | "log">,
): Promise<Fitted> {
  const document = fitted(result, subject);
  await files.mkdir(dirname(file), { recursive: true });
  await replaceFile(file, document.text, files);
  for (const left of document.left) log.warning(`${file}: ${left}.`);
  return document;
}

type Sent =
  | Omit<Published & { readonly uploaded: true }, "file">
  | ({ readonly uploaded: false; readonly error?: unknown } & Refusal);

async function send(
  { gzip }: Fitted,
  { occasion, checkedOut, api }: Publication,
  ports: Ports,
): Promise<Sent> {
  const target = targetOf(occasion, checkedOut);
  if ("why" in target) return { uploaded: false, ...target };
  const at = apiOf(api);
  if ("why" in at) return { uploaded: false, ...at };
  try {
    return await sendTo(target, gzip, at, ports);
  } catch (error) {
    if (ports.signal.aborted || !(error instanceof RemoteError)) throw error;
    const todo = error.todo ?? "Run the job again; the findings are in the file.";
    return { uploaded: false, why: inSentence(error.message), todo, error };
  }
}

async function sendTo(target: Target, gzip: Uint8Array, api: Api, ports: Ports): Promise<Sent> {
  const upload = await uploadSarif(gzip, target, api, ports);
  if (!upload.uploaded) return upload;
  const { page: url, ref, commit } = target;
  const place = `code scanning for ${ref} at ${commit.slice(0, 12)}: ${url}`;
  const { notSure: why } = upload;
  if (why === undefined) {
    ports.log.info(`The findings are in ${place}`);
    return { uploaded: true, url };
  }
  ports.log.warning(
    `The findings were sent to ${place}\n  Whether they are shown is not certain: ${why}.`,
  );
  return { uploaded: true, url, why };
}

function apiOf({ url: text, token }: Publication["api"]): Api | Refusal {
  if (token === undefined || token === "")
    return { why: "there is no token for GitHub", todo: "Give github-token." };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  return url !== undefined && isSafe
    ? { url, token }
    : {
        why: `GITHUB_API_URL is "${text}", which is no address with https:`,
        todo: "The token would travel where everybody on the way can read it.",
      };
}
