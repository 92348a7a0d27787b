import { isError, RemoteError } from "../errors.ts";
import type { HttpRequest } from "../ports/fetch.ts";

const noCommonTls = "there is no version of TLS that both sides speak.";

/** What is said of the codes of undici, of the system and of OpenSSL; others speak for themselves. */
const known: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody answers there (connection refused).",
  ENOTFOUND: "there is no such host.",
  EAI_AGAIN: "the host's name could not be looked up just now.",
  ECONNRESET: "the connection broke.",
  UND_ERR_SOCKET: "the connection broke.",
  UND_ERR_BODY_TIMEOUT: "the other side fell silent.",
  UND_ERR_HEADERS_TIMEOUT: "the other side did not answer in time.",
  UND_ERR_CONNECT_TIMEOUT: "the connection could not be made in time.",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side speaks no TLS there.",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate there is another host's.",
  ERR_SSL_UNSUPPORTED_PROTOCOL: noCommonTls,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noCommonTls,
};

type CodedError = Error & { readonly code?: string };

/** The request as messages name it: without its query, which may hold a signature. */
export function named({ method, url }: Pick<HttpRequest, "method" | "url">): string {
  return `${method} ${url.origin}${url.pathname}`;
}

/** What a request, or the reading of its answer, met on its way. */
export function networkError(
  cause: unknown,
  request: Pick<HttpRequest, "method" | "url">,
): RemoteError {
  const error: CodedError = isError(cause) ? cause : new Error(String(cause));
  const todo = todoFor(error.code ?? "");
  return new RemoteError(`${named(request)}: ${reason(error)}`, {
    cause: error,
    ...(todo === undefined ? {} : { todo }),
  });
}

/** OpenSSL's errors are lines of its own (`…:SSL routines:FUNCTION:REASON:FILE:LINE:`), of which the reason is for people. */
function reason({ code = "", message }: CodedError): string {
  const said = known[code];
  if (said !== undefined) return said;
  const openssl = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  return `${(openssl ?? (message.trim() || code)).replace(/\.$/, "")}.`;
}

function todoFor(code: string): string | undefined {
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER")
    return "For a registry without TLS give --plain-http.";
  if (/^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    return "If an authority of your own vouches for it, name its file: NODE_EXTRA_CA_CERTS=FILE.pem.";
  return undefined;
}
