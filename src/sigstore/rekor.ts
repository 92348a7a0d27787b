import { z } from "zod";
import { RemoteError } from "../errors.ts";
import { type Answer, exchange, type SigningPorts, unwanted } from "./exchange.ts";

/** DSSE envelope (secure-systems-lab/dsse, envelope.md); all values in base64. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[];
}

const entry = z.looseObject({
  body: z.string(),
  integratedTime: z.int(),
  logID: z.string(),
  logIndex: z.int(),
  verification: z.looseObject({
    signedEntryTimestamp: z.string(),
    inclusionProof: z.looseObject({
      checkpoint: z.string(),
      hashes: z.array(z.string()),
      logIndex: z.int(),
      rootHash: z.string(),
      treeSize: z.int(),
    }),
  }),
});
export type LogEntry = z.infer<typeof entry>;

/** Has an envelope and its certificate (PEM) logged (Rekor's API, `log/entries`, kind `dsse` 0.0.1); the log's receipt. */
export async function logEnvelope(
  envelope: Envelope,
  certificate: string,
  rekor: URL,
  ports: SigningPorts,
): Promise<LogEntry> {
  const url = new URL("/api/v1/log/entries", rekor);
  const verifiers = [Buffer.from(certificate).toString("base64")];
  const body = JSON.stringify({
    ...{ apiVersion: "0.0.1", kind: "dsse" },
    spec: { proposedContent: { envelope: JSON.stringify(envelope), verifiers } },
  });
  const headers = { "content-type": "application/json" };
  const answer = await exchange({ method: "POST", url, headers, body }, ports);
  const found = answer.status === 409 ? await alreadyThere(answer, url, ports) : answer;
  if (found.status !== 200 && found.status !== 201)
    throw unwanted("Rekor", url, found, "What is not in the log is not signed.");
  const parsed = z.record(z.string(), entry).safeParse(found.json);
  const [logged] = Object.values(parsed.data ?? {});
  if (logged === undefined)
    throw new RemoteError(`Rekor at ${url.origin} answered without an entry of its log.`, {
      cause: parsed.error,
    });
  return logged;
}

/** A try whose answer was lost did log it: Rekor says where. */
async function alreadyThere(answer: Answer, url: URL, ports: SigningPorts): Promise<Answer> {
  const { location = "" } = answer.headers;
  const at = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (at?.origin !== url.origin || location === "") return answer;
  return await exchange({ method: "GET", url: at }, ports);
}
