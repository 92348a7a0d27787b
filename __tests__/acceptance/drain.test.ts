import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { Server as GrpcServer, ServerCredentials, type sendUnaryData, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { holdHttp, takeOff, watchDrain } from "../../src/acceptance/drain.ts";
import { connectGrpc } from "../../src/acceptance/grpc.ts";
import type { RunningNode } from "../../src/acceptance/node.ts";
import type { World } from "../../src/acceptance/world.ts";
import { clock } from "../../src/host/clock.ts";
import { testPorts } from "../stores/ports.ts";

jest.setTimeout(30_000);

/** A node's gRPC and HTTP, of this process: it works on one slot after another, and counts their recipes in its metrics. */
interface Worker {
  readonly node: RunningNode;
  readonly world: World;
  readonly http: Server;
  /** New calls are refused. */
  refuse: boolean;
  /** Of its HTTP answers. */
  status: number;
  readonly close: () => void;
}

const { "nsn.director.v1.Vortex": vortex } = loadSync("nsn/director/v1/vortex.proto", {
  includeDirs: ["director/proto"],
});

let worker: Worker | undefined;
afterEach(() => worker?.close());

async function work(milliseconds: number): Promise<Worker> {
  let received = 0;
  let last: Promise<unknown> = Promise.resolve();
  const grpc = new GrpcServer();
  const generateSlot = (call: { request: { recipe: string } }, answer: sendUnaryData<object>) => {
    if (made.refuse) return answer({ code: status.UNAVAILABLE, details: "shutting down" });
    if (call.request.recipe === "too late") return answer({ code: status.DEADLINE_EXCEEDED });
    received += 1;
    last = last
      .then(() => setTimeout(milliseconds))
      .then(() => answer(null, { seconds: milliseconds / 1000 }));
  };
  grpc.addService(vortex as Parameters<GrpcServer["addService"]>[0], {
    GenerateSlot: generateSlot,
  });
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const http = createServer((_, response) => {
    response.writeHead(made.status);
    response.end(
      `# TYPE nsn_p2p_messages counter\nnsn_p2p_messages_total{topic="nsn/recipes"} ${received}\n# EOF\n`,
    );
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  const node = {
    grpc: `127.0.0.1:${port}`,
    http: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
  } as RunningNode;
  const { fetch } = testPorts();
  const world = {
    ...{ fetch, clock, signal: AbortSignal.timeout(25_000) },
    nodes: { second: async () => node },
  } as unknown as World;
  const made: Worker = {
    ...{ node, world, http, refuse: false, status: 200 },
    close: () => {
      grpc.forceShutdown();
      http.closeAllConnections();
      http.close();
    },
  };
  worker = made;
  return made;
}

const connect = ({ node }: Worker) =>
  connectGrpc(node.grpc, "director/proto", { now: clock.now, signal: AbortSignal.timeout(60_000) });

describe("slots in flight", () => {
  it("last some seconds and have reached the node when they count", async () => {
    const worker = await work(200);
    const calls = await connect(worker);
    const flight = await takeOff(calls, worker.world);
    expect(flight.pending()).toBeGreaterThan(10);
    const text = await (await fetch(worker.node.http)).text();
    const received = Number(/recipes"} (\d+)/.exec(text)?.[1]);
    expect(received).toBeGreaterThanOrEqual(flight.pending() + 1);
    expect(await flight.errors).toEqual([]);
    expect(flight.pending()).toBe(0);
    calls.close();
  });

  it("are none where the node takes no call, and that is told", async () => {
    const worker = await work(200);
    worker.refuse = true;
    const calls = await connect(worker);
    const flight = await takeOff(calls, worker.world);
    expect(flight.pending()).toBe(0);
    expect(flight.trouble).toBe("UNAVAILABLE: shutting down");
    calls.close();
  });
});

describe("what is seen of a drain", () => {
  const drain = async (change: (worker: Worker) => void) => {
    const worker = await work(200);
    const calls = await connect(worker);
    const flight = await takeOff(calls, worker.world);
    const begun = clock.now();
    const watched = watchDrain(flight, worker.node, calls, worker.world);
    await setTimeout(500);
    change(worker);
    const seen = await watched;
    calls.close();
    worker.close();
    return { ...seen, begun };
  };

  it("is that metrics answer to its end, and when new calls are refused", async () => {
    const { metrics, silent, refused, begun } = await drain((worker) => {
      worker.refuse = true;
    });
    expect(metrics).toBeGreaterThan(5);
    expect(silent).toBeUndefined();
    expect(refused).toBeGreaterThanOrEqual(begun + 450);
  });

  it("is that new calls are taken, to its end", async () => {
    expect((await drain(() => undefined)).refused).toBeUndefined();
  });

  it("is that metrics end before it", async () => {
    const closed = await drain(({ http }) => {
      http.closeAllConnections();
      http.close();
    });
    expect(closed.silent).toMatch(/connection refused|closed/);
    const ill = await drain((worker) => {
      worker.status = 500;
    });
    expect(ill.silent).toBe("/metrics answers 500");
  });
});

it("an HTTP connection that was answered stays open until it is released", async () => {
  const { node, http, world } = await work(1);
  const open = () =>
    new Promise<number>((resolve) => http.getConnections((_, count) => resolve(count)));
  const release = await holdHttp(node, world.signal);
  await setTimeout(200);
  expect(await open()).toBe(1);
  release();
  await setTimeout(200);
  expect(await open()).toBe(0);
});
