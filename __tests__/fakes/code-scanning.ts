import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { Handler } from "./faults.ts";
import { alertKey, githubErrors, type Sarif, schemaErrors } from "./sarif-checks.ts";

export interface CodeScanning {
  /** What GITHUB_API_URL is set to: as on a server of one's own, with a path. */
  readonly url: string;
  readonly uploads: readonly Upload[];
  /** Every request, in the order of its coming. */
  readonly requests: readonly Seen[];
  /** A branch's or pull request's alerts by number, as its page shows them. */
  alerts(ref: string): readonly {
    readonly number: number;
    readonly rule: string;
    readonly state: "open" | "fixed";
  }[];
  close(): Promise<void>;
}

interface Upload {
  readonly id: string;
  readonly commit: string;
  readonly ref: string;
  readonly sarif: Sarif;
  readonly errors: readonly string[];
  /** How often it will still be `pending` when asked for. */
  pending: number;
}

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

interface Settings {
  readonly repository?: string;
  readonly commits?: readonly string[];
  /** How often an upload is `pending` when asked for. */
  readonly pending?: number;
  /** Wraps the handler: the place for a test's faults. */
  readonly intercept?: (handler: Handler) => Handler;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Alert {
  readonly number: number;
  readonly rule: string;
  /** In whose latest analysis it is. */
  readonly categories: Set<string>;
}

export const token = "ghs_aTokenThatMayUpload";
const uploadLimit = 10 * 2 ** 20;

/** GitHub's code scanning as its REST API shows it, in one server on 127.0.0.1; it takes no document that GitHub would not take. */
export async function startCodeScanning({
  repository = "nsn/director",
  commits = ["a".repeat(40)],
  pending = 1,
  intercept = (handler) => handler,
}: Settings = {}): Promise<CodeScanning> {
  const uploads: Upload[] = [];
  const requests: Seen[] = [];
  const alerts = new Map<string, Map<string, Alert>>();
  const path = `/api/v3/repos/${repository}/code-scanning/sarifs`;
  let origin = "";

  const answer = async (...[request]: Parameters<Handler>): Promise<[number, object]> => {
    const url = request.url ?? "";
    if (request.headers.authorization !== `Bearer ${token}`)
      throw new Refusal(401, "Bad credentials");
    if (url === path && request.method === "POST") {
      const upload = received(await text(request), {
        id: `up-${uploads.length + 1}`,
        commits,
        pending,
      });
      uploads.push(upload);
      return [202, { id: upload.id, url: `${origin}${path}/${upload.id}` }];
    }
    const upload = uploads.find(({ id }) => url === `${path}/${id}`);
    if (upload === undefined || request.method !== "GET") throw new Refusal(404, "Not Found");
    if (upload.pending-- > 0) return [200, { processing_status: "pending" }];
    if (upload.errors.length > 0)
      return [200, { processing_status: "failed", errors: upload.errors }];
    keep(upload, alerts);
    return [200, { processing_status: "complete", analyses_url: `${origin}${path}` }];
  };

  const handle: Handler = (request, response) => {
    answer(request, response).then(
      ([status, body]) =>
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(JSON.stringify(body)),
      (error: unknown) => {
        const { status = 500, message } = error as Refusal;
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(JSON.stringify({ message, documentation_url: "https://docs.github.com/rest" }));
      },
    );
  };
  const wrapped = intercept(handle);
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    requests.push({ method, path: url, authorization: headers.authorization });
    wrapped(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/api/v3`,
    uploads,
    requests,
    alerts: (ref) =>
      [...(alerts.get(ref)?.values() ?? [])].map(({ number, rule, categories }) => ({
        ...{ number, rule },
        state: categories.size > 0 ? "open" : "fixed",
      })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Reads an upload as GitHub does before it answers 202; what it finds later is in `errors`. */
function received(
  body: string,
  { id, commits, pending }: { id: string; commits: readonly string[]; pending: number },
): Upload {
  const { commit_sha: commit, ref, sarif } = fields(body);
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Refusal(422, "commit_sha is not a full SHA");
  if (!/^refs\/(heads|tags)\/.+$|^refs\/pull\/\d+\/(merge|head)$/.test(ref))
    throw new Refusal(422, `ref ${ref} is not a full Git reference`);
  if (!commits.includes(commit)) throw new Refusal(404, `commit ${commit} not found`);
  if (sarif.length * 0.75 > uploadLimit) throw new Refusal(413, "Payload too big");
  const document = documentOf(sarif);
  const errors = schemaErrors(document);
  return {
    ...{ id, commit, ref, pending, sarif: document },
    errors:
      errors.length > 0
        ? errors.map((error) => `rejecting SARIF: ${error}`)
        : githubErrors(document),
  };
}

function fields(body: string): Readonly<Record<"commit_sha" | "ref" | "sarif", string>> {
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
  const missing = ["commit_sha", "ref", "sarif"].filter((name) => typeof value[name] !== "string");
  if (missing.length > 0) throw new Refusal(422, `Invalid request. Missing: ${missing.join(", ")}`);
  const known = [
    "commit_sha",
    "ref",
    "sarif",
    "checkout_uri",
    "started_at",
    "tool_name",
    "validate",
  ];
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Refusal(422, `Invalid request. Unknown: ${unknown.join(", ")}`);
  return value as Readonly<Record<"commit_sha" | "ref" | "sarif", string>>;
}

function documentOf(sarif: string): Sarif {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(sarif)) throw new Refusal(400, "sarif is not valid base64");
  try {
    return JSON.parse(gunzipSync(Buffer.from(sarif, "base64")).toString());
  } catch {
    throw new Refusal(400, "sarif is not gzip of a JSON document");
  }
}

/** An analysis takes the place of the one before of its category; an alert is fixed when no category's latest has it. */
function keep({ ref, sarif }: Upload, alerts: Map<string, Map<string, Alert>>): void {
  const known = alerts.get(ref) ?? new Map<string, Alert>();
  alerts.set(ref, known);
  for (const { automationDetails, results = [] } of sarif.runs) {
    const category = automationDetails?.id ?? "";
    for (const alert of known.values()) alert.categories.delete(category);
    for (const result of results) {
      const key = alertKey(result);
      const alert = known.get(key) ?? {
        number: known.size + 1,
        rule: result.ruleId ?? "",
        categories: new Set(),
      };
      alert.categories.add(category);
      known.set(key, alert);
    }
  }
}
