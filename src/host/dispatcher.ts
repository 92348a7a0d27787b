import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import { isError, UsageError } from "../errors.ts";

/** An environment variable that somebody has set. */
interface Variable {
  readonly name: string;
  readonly value: string;
}

/** What the usual variables say about the network: proxies, and certificates to trust beside the built-in ones. */
export interface NetworkSettings {
  readonly httpProxy?: Variable | undefined;
  readonly httpsProxy?: Variable | undefined;
  readonly noProxy?: Variable | undefined;
  /** Names a PEM file. */
  readonly extraCertificates?: Variable | undefined;
}

/** Connections with these settings; a UsageError names the variable that says nonsense. Loopback is never asked through a proxy. */
export function dispatcherFor(settings: NetworkSettings): Dispatcher {
  const { noProxy, extraCertificates } = settings;
  const ca =
    extraCertificates === undefined
      ? {}
      : { ca: [...rootCertificates, certificatesOf(extraCertificates)] };
  const common = { connect: { timeout: 30_000, ...ca }, keepAliveTimeout: 30_000, allowH2: false };
  const httpProxy = proxyOf(settings.httpProxy);
  const httpsProxy = proxyOf(settings.httpsProxy);
  if (httpProxy === undefined && httpsProxy === undefined) return new Agent(common);
  const direct = ["localhost", "127.0.0.1", "::1", noProxy?.value]
    .filter((entry) => entry !== undefined && entry !== "")
    .join(",");
  return new EnvHttpProxyAgent({
    ...common,
    requestTls: ca,
    noProxy: direct,
    proxyTunnel: false,
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
  });
}

/** A proxy's address; without a scheme it is meant to be http, as curl reads it. */
function proxyOf(variable: Variable | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const { name, value } = variable;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new UsageError(`${name}: "${withoutSecrets(value)}" is not the address of a proxy.`, {
    todo: "Wanted: http://HOST:PORT, https://HOST:PORT or HOST:PORT.",
  });
}

function withoutSecrets(address: string): string {
  return address.replace(/[^/]*@/, "***@");
}

function certificatesOf({ name, value }: Variable): string {
  const todo = `Name a file of PEM certificates, or take ${name} away.`;
  let text: string;
  try {
    text = readFileSync(value, "utf8");
  } catch (cause) {
    const why = isError(cause) ? (cause.code ?? cause.message) : String(cause);
    throw new UsageError(`${name}: ${value} cannot be read (${why}).`, { cause, todo });
  }
  if (/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return text;
  throw new UsageError(`${name}: ${value} holds no certificate.`, { todo });
}
