import type { Client, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";

/** The calls that acceptance makes to a node. A call that fails throws an error whose message begins with gRPC's name of the status. */
export interface NodeGrpc {
  /** grpc.health.v1: `SERVING`, `NOT_SERVING`, …; the empty name is the whole server. */
  health(service: string): Promise<string>;
  /** Names of all services, by reflection (grpc.reflection.v1). */
  services(): Promise<readonly string[]>;
  /** One BFT round that this node leads. */
  propose(slot: number, digest: Uint8Array, deadlineMs: number): Promise<Round>;
  generateSlot(slot: number, recipe: string, deadlineMs: number): Promise<Slot>;
  /** Connects for `generateSlot`, so that the next call is on its way at once. */
  connect(): Promise<void>;
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

interface GrpcSettings {
  /** Folder of the node's protocols (director/proto). */
  readonly protos: string;
  readonly now: () => number;
  /** Cancels every call. */
  readonly signal: AbortSignal;
}

/** Connects to `HOST:PORT`. */
export async function connectGrpc(
  address: string,
  { protos, now, signal }: GrpcSettings,
): Promise<NodeGrpc> {
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
    });
    clients.set(service, made);
    return made;
  };
  const call = (service: string, method: string, request: object, milliseconds = usual) => {
    const [deadline, connected] = [now() + milliseconds, now() + silence];
    return unary(client(service), method, request, { deadline, connected, signal, grpc });
  };
  return {
    health: async (service) =>
      String((await call("grpc.health.v1.Health", "Check", { service }))["status"]),
    services: () => listServices(client("grpc.reflection.v1.ServerReflection"), now() + usual),
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
    connect: () => connection(client("nsn.director.v1.Vortex"), now() + silence),
    close: () => {
      for (const made of clients.values()) made.close();
    },
  };
}

interface CallSettings {
  /** When the answer must be there, and when the connection; milliseconds since 1970. */
  readonly deadline: number;
  readonly connected: number;
  readonly signal: AbortSignal;
  readonly grpc: typeof import("@grpc/grpc-js");
}

/** One call. A port that takes connections and says nothing is not waited for until the call's own deadline. */
function unary(
  client: Client,
  method: string,
  request: object,
  { deadline, connected, signal, grpc }: CallSettings,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const call = (client as unknown as Record<string, Unary>)[method];
    const until = { deadline: new Date(deadline) };
    const running = call?.call(client, request, until, (error, answer) => {
      signal.removeEventListener("abort", cancel);
      if (error === null) return resolve(answer);
      const words = error.details.replace(/\.? Resolution note: $/, "");
      reject(new Error(`${grpc.status[error.code]}: ${words}`, { cause: error }));
    });
    const cancel = () => running?.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    connection(client, connected).catch((error) => {
      reject(error);
      cancel();
    });
  });
}

function connection(client: Client, until: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(new Date(until), (error) => {
      if (error === undefined) resolve();
      else reject(new Error(`nobody speaks gRPC there (within ${silence / 1000} s)`));
    });
  });
}

function listServices(client: Client, deadline: number): Promise<readonly string[]> {
  type Stream = import("@grpc/grpc-js").ClientDuplexStream<object, Record<string, unknown>>;
  const open = (client as unknown as Record<string, (options: object) => Stream>)[
    "ServerReflectionInfo"
  ];
  return new Promise((resolve, reject) => {
    const stream = open?.call(client, { deadline: new Date(deadline) });
    stream?.on("data", (answer: Record<string, unknown>) => {
      const list = answer["list_services_response"] as { service?: { name: string }[] } | null;
      resolve((list?.service ?? []).map(({ name }) => name));
      stream.end();
    });
    stream?.on("error", (error: Error) => reject(new Error(`reflection says ${error.message}`)));
    stream?.on("end", () => reject(new Error("the reflection service ended without an answer")));
    stream?.write({ list_services: "*" });
  });
}
