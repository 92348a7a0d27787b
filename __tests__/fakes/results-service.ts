import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Handler } from "./faults.ts";
import { type BlobStorage, blobStorage } from "./results-service-blobs.ts";

export interface ResultsService {
  /** What ACTIONS_RESULTS_URL is set to. */
  readonly url: string;
  /** What ACTIONS_RUNTIME_TOKEN is set to in a job, by its name and the attempt of the run. */
  token(job: string, attempt?: number): string;
  /** The run's finished artifacts, oldest first. */
  readonly artifacts: readonly Artifact[];
  /** Every call, in the order of its coming. */
  readonly calls: readonly string[];
  /** As if another run had begun. */
  forget(): void;
  close(): Promise<void>;
}

interface Artifact {
  readonly id: number;
  readonly name: string;
  readonly job: string;
  readonly attempt: string;
  readonly created: string;
  readonly blob: string;
  /** RFC 3339; absent where the repository's setting holds. */
  readonly expires?: string;
  /** Both are known once the upload was finalized. */
  readonly size?: number;
  readonly digest?: string;
}

/** A request of the API (its JSON has the names of the protocol buffers), with whose token it came. */
interface Call {
  readonly name?: string;
  readonly size?: string;
  readonly hash?: string;
  readonly expires_at?: string;
  readonly name_filter?: string;
  readonly id_filter?: string;
  readonly workflow_run_backend_id?: string;
  readonly workflow_job_run_backend_id?: string;
}

interface Caller {
  readonly attempt: string;
  readonly job: string;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const path = "/twirp/github.actions.results.api.v1.ArtifactService/";

/**
 * The service behind `@actions/artifact` 6 and later: github.actions.results.api.v1.ArtifactService as Twirp with JSON, and the storage that
 * its signed addresses lead to, in one server on 127.0.0.1. As on GitHub, a name is free once in an attempt of a run, and a run's later
 * attempt sees the artifacts of earlier ones.
 */
export async function startResultsService({
  intercept = (handler) => handler,
}: {
  /** Wraps the handler: the place for a test's faults. */
  readonly intercept?: (handler: Handler) => Handler;
} = {}): Promise<ResultsService> {
  const storage = blobStorage();
  const artifacts: Artifact[] = [];
  const calls: string[] = [];
  const server = createServer();
  const { url, close } = await listen(server);
  const serve = async (...[request, response]: Parameters<Handler>) => {
    const method = (request.url ?? "").slice(path.length);
    calls.push(method);
    const caller = callerOf(request.headers.authorization);
    const does = methods[method];
    if (does === undefined) throw new Refusal(404, "bad_route", `there is no method ${method}`);
    const call = (await json(request)) as Call;
    if (call.workflow_run_backend_id !== caller.attempt && method !== "GetSignedArtifactURL")
      throw new Refusal(403, "permission_denied", "the token is of another attempt");
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(does(call, caller, { url, storage, artifacts })));
  };
  const handle: Handler = (request, response) => {
    if (!request.url?.startsWith(path)) return storage.handle(request, response);
    serve(request, response).catch((error: unknown) => {
      const { status = 500, code = "internal", message } = error as Refusal;
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify({ code, msg: message }));
    });
  };
  server.on("request", intercept(handle));
  const forget = () => void artifacts.splice(0);
  return { url, token, artifacts, calls, forget, close };
}

interface State {
  readonly url: string;
  readonly storage: BlobStorage;
  readonly artifacts: Artifact[];
}

const methods: Readonly<Record<string, (call: Call, caller: Caller, state: State) => object>> = {
  CreateArtifact({ name = "", expires_at }, { attempt, job }, { url, storage, artifacts }) {
    if (artifacts.some((artifact) => artifact.name === name && artifact.attempt === attempt))
      throw new Refusal(409, "already_exists", `there is an artifact ${name} in this run`);
    if (expires_at !== undefined && !(Date.parse(expires_at) > Date.now()))
      throw new Refusal(400, "invalid_argument", `${expires_at} is no time to come`);
    const id = (artifacts.at(-1)?.id ?? 1000) + 1;
    const blob = `${id}/${name}.zip`;
    const expires = expires_at === undefined ? {} : { expires: expires_at };
    const created = new Date().toISOString();
    artifacts.push({ id, name, job, attempt, blob, created, ...expires });
    return { ok: true, signed_upload_url: storage.sign(url, blob, "w") };
  },
  FinalizeArtifact({ name, size, hash }, { attempt }, { storage, artifacts }) {
    const at = artifacts.findIndex((one) => one.name === name && one.attempt === attempt);
    const artifact = artifacts[at];
    if (artifact === undefined) throw new Refusal(404, "not_found", `no artifact ${name}`);
    const stored = storage.size(artifact.blob);
    if (stored === undefined || stored !== Number(size))
      throw new Refusal(400, "invalid_argument", `${stored} bytes came, ${size} were said`);
    artifacts[at] = { ...artifact, size: stored, ...(hash === undefined ? {} : { digest: hash }) };
    return { ok: true, artifact_id: String(artifact.id) };
  },
  ListArtifacts({ name_filter: name, id_filter: id }, _caller, { artifacts }) {
    const found = artifacts.filter(
      (artifact) =>
        artifact.size !== undefined &&
        (name === undefined || artifact.name === name) &&
        (id === undefined || String(artifact.id) === id),
    );
    return { artifacts: found.map(listed) };
  },
  GetSignedArtifactURL(call, _caller, { url, storage, artifacts }) {
    return { signed_url: storage.sign(url, found(call, artifacts).blob, "r") };
  },
  DeleteArtifact(call, _caller, { artifacts }) {
    const artifact = found(call, artifacts);
    artifacts.splice(artifacts.indexOf(artifact), 1);
    return { ok: true, artifact_id: String(artifact.id) };
  },
};

function listed({ id, name, job, attempt, size, digest, created }: Artifact): object {
  return {
    workflow_run_backend_id: attempt,
    workflow_job_run_backend_id: job,
    database_id: String(id),
    name,
    size: String(size),
    created_at: created,
    ...(digest === undefined ? {} : { digest }),
  };
}

function found(call: Call, artifacts: readonly Artifact[]): Artifact {
  const artifact = artifacts.findLast(
    ({ name, attempt }) => name === call.name && attempt === call.workflow_run_backend_id,
  );
  if (artifact === undefined) throw new Refusal(404, "not_found", `no artifact ${call.name}`);
  return artifact;
}

/** An unsigned JWT with the claims that a runner's token has; the service reads whose it is from there. */
function token(job: string, attempt = 1): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const scp = `Actions.Example Actions.Results:run-attempt-${attempt}:${job}`;
  return [part({ alg: "none", typ: "JWT" }), part({ scp }), "unsigned"].join(".");
}

function callerOf(authorization = ""): Caller {
  const claims = /^Bearer [^.]+\.([^.]+)\./.exec(authorization)?.[1] ?? "";
  const [, attempt, job] =
    /Actions\.Results:([^:" ]+):([^:" ]+)/.exec(Buffer.from(claims, "base64url").toString()) ?? [];
  if (attempt === undefined || job === undefined)
    throw new Refusal(401, "unauthenticated", "wanted a runner's token");
  return { attempt, job };
}

async function listen(server: Server) {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
