import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

/** A chain endpoint as far as a Director asks for one: Substrate's JSON-RPC over WebSocket, a new head every second. */
export interface Chain {
  readonly url: string;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Opens the same port again. */
  start(): Promise<void>;
}

const headEvery = 1_000;

/** Starts an endpoint on a free port of the given address. */
export async function startChain(address: string, now: () => number): Promise<Chain> {
  let port = 0;
  let server: Server | undefined;
  let close: () => void = () => undefined;
  const begun = now();
  const stop = async () => {
    close();
    const closing = server;
    server = undefined;
    if (closing !== undefined) await new Promise((resolve) => closing.close(resolve));
  };
  const start = async () => {
    if (server !== undefined) return;
    const opened = createServer();
    opened.listen(port, address);
    await once(opened, "listening");
    const bound = opened.address();
    if (typeof bound === "object" && bound !== null) port = bound.port;
    server = opened;
    close = serve(opened, () => Math.floor((now() - begun) / headEvery) + 1);
  };
  await start();
  return { url: `ws://${address.includes(":") ? `[${address}]` : address}:${port}`, start, stop };
}

/** Answers on a server; the result ends every conversation. */
function serve(server: Server, head: () => number): () => void {
  const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 });
  const subscribed = new Set<WebSocket>();
  const timer = setInterval(() => {
    const params = { subscription: "heads", result: header(head()) };
    const text = JSON.stringify({ jsonrpc: "2.0", method: "chain_newHead", params });
    for (const socket of subscribed) socket.send(text);
  }, headEvery);
  sockets.on("connection", (socket) => {
    socket.on("error", () => socket.terminate());
    socket.on("close", () => subscribed.delete(socket));
    socket.on("message", (data) => {
      const request = requestOf(String(data));
      if (request === undefined) return socket.close(1003);
      if (request.method === "chain_subscribeNewHeads") subscribed.add(socket);
      socket.send(
        JSON.stringify({ jsonrpc: "2.0", id: request.id, ...answer(request.method, head()) }),
      );
    });
  });
  return () => {
    clearInterval(timer);
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  };
}

function answer(method: string, head: number): object {
  switch (method) {
    case "system_health":
      return { result: { peers: 3, isSyncing: false, shouldHavePeers: true } };
    case "chain_getHeader":
      return { result: header(head) };
    case "chain_subscribeNewHeads":
      return { result: "heads" };
    case "system_chain":
      return { result: "acceptance" };
    default:
      return { error: { code: -32601, message: `Method not found: ${method}` } };
  }
}

function header(number: number): object {
  const zeros = `0x${"0".repeat(64)}`;
  return {
    number: `0x${number.toString(16)}`,
    parentHash: zeros,
    stateRoot: zeros,
    extrinsicsRoot: zeros,
    digest: { logs: [] },
  };
}

function requestOf(text: string): { readonly id: unknown; readonly method: string } | undefined {
  try {
    const { id, method } = JSON.parse(text) as { id?: unknown; method?: unknown };
    return typeof method === "string" ? { id, method } : undefined;
  } catch {
    return undefined;
  }
}
