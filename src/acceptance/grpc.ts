import type { Client, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";

/**
 * The calls that acceptance makes to a node. A call that fails throws an error whose message begins with gRPC's name of the status; one that is
 * cut short by the signal throws the signal's reason.
 */
export interface NodeGrpc {
  /** grpc.health.v1: `SERVING`, `NOT_SERVING`, …; the empty name is the whole server. */
  health(service: string): Promise<string>;
  /** Names of all services, by reflection (grpc.reflection.v1). */
  services(): Promise<readonly string[]>;
  /** One BFT round that this node leads. */
  propose(slot: number, digest: Uint8Array, deadlineMs: number): Promise<Round>;
  generateSlot(slot: number, recipe: string, deadlineMs: number): Promise<Slot>;
  close(): void;
}

interface Round {
  readonly quorum: number;
  readonly ballots: number;
  readonly seconds: number;
}

interface Slot {
  readonly digest: string;
  readonly seconds: number;
  readonly vramBytes: number;
}

/** What is beside the node's own protocols: gRPC's health and reflection, as far as they are used. */
const common = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
                HealthCheckResponse: {
                  fields: { status: { type: "ServingStatus", id: 1 } },
                  nested: {
                    ServingStatus: {
                      values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
                    },
                  },
                },
                Health: {
                  methods: {
                    Check: {
                      requestType: "HealthCheckRequest",
                      responseType: "HealthCheckResponse",
                    },
                  },
                },
              },
            },
          },
        },
        reflection: {
          nested: {
            v1: {
              nested: {
                ServerReflectionRequest: { fields: { list_services: { type: "string", id: 7 } } },
                ServiceResponse: { fields: { name: { type: "string", id: 1 } } },
                ListServiceResponse: {
                  fields: { service: { rule: "repeated", type: "ServiceResponse", id: 1 } },
                },
                ServerReflectionResponse: {
                  fields: { list_services_response: { type: "ListServiceResponse", id: 6 } },
                },
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: "ServerReflectionRequest",
                      requestStream: true,
                      responseType: "ServerReflectionResponse",
                      responseStream: true,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

const options = { keepCase: true, longs: Number, enums: String, defaults: true };
/** Milliseconds that a call may take that names no deadline itself. */
const usual = 5_000;

/** Milliseconds within which whoever takes a connection says that it speaks gRPC. */
const silence = 4_000;

type Unary = (
  request: object,
  options: { deadline: Date },
  done: (error: ServiceError | null, answer: Record<string, unknown>) => void,
) => ClientUnaryCall;

interface Limits {
  readonly now: () => number;
  /** Ends the calls that are under way. */
  readonly signal: AbortSignal;
}

/** Connects to `HOST:PORT`; `protos` is the folder of the node's protocols (director/proto). */
export async function connectGrpc(
  address: string,
  protos: string,
  { now, signal }: Limits,
): Promise<NodeGrpc> {
  const { client, close, status, connecting } = await clientsOf(address, protos);
  const call = (service: string, method: string, request: object, milliseconds = usual) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      signal.throwIfAborted();
      const made = client(service);
      const deadline = new Date(now() + milliseconds);
      const stop = () => under?.cancel();
      // A port that takes connections and says nothing is not waited for until the call's own deadline.
      const silent = setTimeout(() => {
        if (made.getChannel().getConnectivityState(false) !== connecting) return;
        reject(new Error(`nobody speaks gRPC there (within ${silence / 1000} s)`));
        stop();
      }, silence);
      const methods = made as unknown as Record<string, Unary>;
      const under = methods[method]?.(request, { deadline }, (error, answer) => {
        signal.removeEventListener("abort", stop);
        clearTimeout(silent);
        if (error === null) resolve(answer);
        else if (signal.aborted) reject(signal.reason);
        else reject(new Error(`${status[error.code]}: ${error.details}`, { cause: error }));
      });
      signal.addEventListener("abort", stop);
    });
  return {
    health: async (service) =>
      String((await call("grpc.health.v1.Health", "Check", { service }))["status"]),
    services: () =>
      listServices(client("grpc.reflection.v1.ServerReflection"), now() + usual, signal),
    propose: async (slot, digest, deadlineMs) => {
      const request = { slot, digest, deadline_ms: deadlineMs };
      const answer = await call(
        "nsn.bft.v1.BftCoordination",
        "Propose",
        request,
        deadlineMs + usual,
      );
      const certificate = answer["certificate"] as { ballots?: readonly unknown[] } | null;
      return {
        quorum: Number(answer["quorum"]),
        ballots: certificate?.ballots?.length ?? 0,
        seconds: Number(answer["seconds"]),
      };
    },
    generateSlot: async (slot, recipe, deadlineMs) => {
      const request = { slot, recipe, deadline_ms: deadlineMs };
      const answer = await call(
        "nsn.director.v1.Vortex",
        "GenerateSlot",
        request,
        deadlineMs + usual,
      );
      return {
        digest: String(answer["digest"]),
        seconds: Number(answer["seconds"]),
        vramBytes: Number(answer["vram_bytes"]),
      };
    },
    close,
  };
}

/** A client for each service by its full name, made when it is first asked for. */
async function clientsOf(address: string, protos: string) {
  const [grpc, loader] = await Promise.all([import("@grpc/grpc-js"), import("@grpc/proto-loader")]);
  const definitions = {
    ...loader.fromJSON(common as unknown as Parameters<typeof loader.fromJSON>[0], options),
    ...loader.loadSync(["nsn/bft/v1/coordination.proto", "nsn/director/v1/vortex.proto"], {
      ...options,
      includeDirs: [protos],
    }),
  };
  const clients = new Map<string, Client>();
  const client = (service: string): Client => {
    const known = clients.get(service);
    if (known !== undefined) return known;
    const definition = definitions[service] as Parameters<
      typeof grpc.makeGenericClientConstructor
    >[0];
    const Service = grpc.makeGenericClientConstructor(definition, service);
    const made = new Service(address, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      // It would ask the proxy of http_proxy for a node on loopback.
      "grpc.enable_http_proxy": 0,
    });
    clients.set(service, made);
    return made;
  };
  const close = () => {
    for (const made of clients.values()) made.close();
  };
  return { client, close, status: grpc.status, connecting: grpc.connectivityState.CONNECTING };
}

function listServices(
  client: Client,
  deadline: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  type Stream = import("@grpc/grpc-js").ClientDuplexStream<object, Record<string, unknown>>;
  const open = (client as unknown as Record<string, (options: object) => Stream>)[
    "ServerReflectionInfo"
  ];
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stream = open?.call(client, { deadline: new Date(deadline) });
    const stop = () => stream?.cancel();
    signal.addEventListener("abort", stop, { once: true });
    stream?.on("close", () => signal.removeEventListener("abort", stop));
    stream?.on("data", (answer: Record<string, unknown>) => {
      const list = answer["list_services_response"] as { service?: { name: string }[] } | null;
      resolve((list?.service ?? []).map(({ name }) => name));
      stream.end();
    });
    stream?.on("error", (error: Error) => reject(signal.aborted ? signal.reason : error));
    stream?.on("end", () => reject(new Error("the reflection service ended without an answer")));
    stream?.write({ list_services: "*" });
  });
}
