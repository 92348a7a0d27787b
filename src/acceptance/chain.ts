import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { RemoteError } from "../errors.ts";

/** A chain endpoint as far as a Director asks for one: Substrate's JSON-RPC over WebSocket, a new head every second. */
export interface Chain {
  readonly url: string;
  /** Ends every conversation and hangs up on whoever calls; the port stays taken, so that nobody else gets it meanwhile. */
  stop(): void;
  /** Answers again. */
  start(): void;
  /** Gives the port back, whatever is connected. */
  close(): Promise<void>;
}

const headEvery = 1_000;

/** Starts an endpoint on a free port of the given address. */
export async function startChain(address: string, now: () => number): Promise<Chain> {
  const server = createServer();
  const callers = new Set<Socket>();
  let stopped = false;
  server.on("connection", (socket) => {
    if (stopped) return void socket.destroy();
    callers.add(socket);
    socket.once("close", () => callers.delete(socket));
  });
  server.listen(0, address);
  await once(server, "listening").catch((cause) => {
    throw new RemoteError(`No chain endpoint can be opened at ${address}.`, {
      cause,
      todo: "Where Docker's containers run on another machine, give an endpoint that they reach: chain-url.",
    });
  });
  const begun = now();
  const silence = serve(server, () => Math.floor((now() - begun) / headEvery) + 1);
  const stop = () => {
    stopped = true;
    for (const socket of callers) socket.destroy();
  };
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    url: `ws://${address.includes(":") ? `[${address}]` : address}:${port}`,
    stop,
    start: () => {
      stopped = false;
    },
    close: async () => {
      silence();
      stop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers on a server; the result ends it. */
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
