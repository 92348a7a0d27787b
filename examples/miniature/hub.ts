import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hubAnswer, storageAnswer } from "./hub-api.ts";
import { type HubRequest, observe } from "./hub-requests.ts";
import { RepositoryReader } from "./repository.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface HubOptions {
  /** The folder that holds `<owner>/<name>/<path>`; it may change while the hub runs. */
  readonly root: string;
  /** The hub's port; 0: any free one. */
  readonly port?: number;
  /** Repositories whose files need `token`; their listing is open, as on the real hub. */
  readonly gated?: readonly string[];
  readonly token?: string;
  /** Wraps the handlers of both servers: the place for a test's faults. */
  readonly intercept?: (handler: Handler) => Handler;
}

export interface Hub {
  /** What HF_ENDPOINT is set to. */
  readonly endpoint: string;
  /** The storage host that large files are redirected to. */
  readonly cdn: string;
  /** Every request to either server, in the order of their coming. */
  readonly requests: readonly HubRequest[];
  /** Ends both servers and their open connections. */
  close(): Promise<void>;
}

/**
 * Serves a folder of models as the Hugging Face hub does, on two ports of 127.0.0.1: the hub, and
 * the storage host that it redirects to for large files. The storage host refuses a request that
 * carries an Authorization header, so that a client that hands its token on is found out.
 */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { root, port = 0, gated = [], token, intercept = (handler) => handler } = options;
  const reader = new RepositoryReader(root);
  const requests: HubRequest[] = [];
  const start = async (server: HubRequest["server"], at: number, answer: Answer) => {
    const handler = intercept(answering(answer));
    const observed: Handler = (request, response) => {
      requests.push(observe(server, request, response));
      handler(request, response);
    };
    return await listen(observed, at);
  };
  const cdn = await start("cdn", 0, (request, response) =>
    storageAnswer(request, response, reader),
  );
  const hub = await start("hub", port, (request, response) =>
    hubAnswer(request, response, { reader, cdn: cdn.url, gated, token }),
  );
  const close = async () => {
    await Promise.all([hub.close(), cdn.close()]);
  };
  return { endpoint: hub.url, cdn: cdn.url, requests, close };
}

/** An answer that fails half-way, for example because its client went away, ends its connection. */
function answering(answer: Answer): Handler {
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error));
    });
  };
}

async function listen(handler: Handler, port: number) {
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

const help = `Usage: npx node examples/miniature/hub.ts --root DIR [--port 0] [--gated REPOSITORY]… [--token TOKEN]

Serves DIR, as make.ts wrote it, with the API of the Hugging Face hub on 127.0.0.1. Prints
HF_ENDPOINT=… once it listens; ends on SIGTERM and SIGINT.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: "string" },
      port: { type: "string", default: "0" },
      gated: { type: "string", multiple: true, default: [] },
      token: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const { root, port, gated, token } = values;
  if (values.help || root === undefined) {
    process[values.help ? "stdout" : "stderr"].write(help);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const access = { gated, ...(token === undefined ? {} : { token }) };
  const hub = await startHub({ root, port: Number(port), ...access });
  process.stdout.write(`HF_ENDPOINT=${hub.endpoint}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void hub.close());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
