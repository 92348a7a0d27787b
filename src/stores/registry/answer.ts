import { RemoteError } from "../../errors.ts";
import type { HttpRequest, HttpResponse } from "../../ports/fetch.ts";

/** One entry of a registry's error document (distribution specification, "Error Codes"). */
export interface RegistryFault {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

const longestBody = 64 * 1024;

/** What a registry's answer says went wrong; the body is read, at most 64 KiB of it. */
export async function faultsOf(response: HttpResponse): Promise<readonly RegistryFault[]> {
  const text = await beginning(response);
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (Array.isArray(errors)) {
      return errors.map(
        (entry: { code?: unknown; message?: unknown; detail?: unknown } | null) => ({
          code: String(entry?.code ?? ""),
          message: String(entry?.message ?? ""),
          detail: entry?.detail,
        }),
      );
    }
  } catch {
    // Not a registry's own document: a proxy's page, or nothing.
  }
  return text.trim() === "" ? [] : [{ code: "", message: text }];
}

/** The error for an answer that is neither wanted nor worth another try. */
export async function refusal(
  { method, url }: Pick<HttpRequest, "method" | "url">,
  response: HttpResponse,
  faults?: readonly RegistryFault[],
): Promise<RemoteError> {
  const said = (faults ?? (await faultsOf(response)))
    .map(({ code, message }) => clean([code, message].filter((part) => part !== "").join(": ")))
    .join("; ");
  const todo = todoFor(response.status, url.host);
  return new RemoteError(
    `${method} ${url.origin}${url.pathname}: the registry answered ${response.status}${said === "" ? "." : ` (${said}).`}`,
    todo === undefined ? {} : { todo },
  );
}

/** Text of a stranger, fit for one line: without control characters, at most 300 characters. */
function clean(text: string): string {
  const line = text
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

function todoFor(status: number, host: string): string | undefined {
  if (status === 401)
    return `Log in first: docker login ${host}, or give a user name and password.`;
  if (status === 403)
    return "The log-in lacks the right to do this (on GHCR give the job `permissions: packages: write`, and the package the repository's access).";
  if (status === 413)
    return "The registry takes no blob of this size: use smaller files (a sharded repository).";
  return undefined;
}

async function beginning(response: HttpResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body) {
    pieces.push(piece);
    size += piece.length;
    if (size > longestBody) break;
  }
  return Buffer.concat(pieces).subarray(0, longestBody).toString("utf8");
}
