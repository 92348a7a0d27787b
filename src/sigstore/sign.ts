import { sign } from "node:crypto";
import type { SigningPorts } from "./exchange.ts";
import type { Certified } from "./fulcio.ts";
import { certify } from "./fulcio.ts";
import type { Instance } from "./instance.ts";
import { type Envelope, type LogEntry, logEnvelope } from "./rekor.ts";
import { type Claims, identityToken, type TokenSource } from "./token.ts";
import { signedStatement } from "./verify.ts";

/** Signs statements as the workflow that this job runs. */
export interface StatementSigner {
  /** What the job's token says of it. */
  readonly claims: Claims;
  /** The bundle of a statement, as JSON; verified before it is given back. */
  sign(statement: object): Promise<string>;
}

const payloadType = "application/vnd.in-toto+json";
/** A certificate is good for ten minutes; after half of that, a new one is asked for. */
const longestUse = 300_000;

/** A signer without keys of its own: Fulcio certifies a new key by the job's token, and Rekor logs what it signs. */
export async function keylessSigner(
  source: TokenSource,
  instance: Instance,
  ports: SigningPorts,
): Promise<StatementSigner> {
  const token = await identityToken(source, ports);
  let certified: { readonly by: Certified; readonly at: number } | undefined;
  const key = async (): Promise<Certified> => {
    const now = ports.clock.now();
    if (certified !== undefined && now - certified.at < longestUse) return certified.by;
    const current = certified === undefined ? token : await identityToken(source, ports);
    certified = { by: await certify(current, instance.fulcio, ports), at: now };
    return certified.by;
  };
  return {
    claims: token.claims,
    sign: async (statement) => {
      const { privateKey, certificate } = await key();
      const payload = Buffer.from(JSON.stringify(statement));
      const sig = sign("sha256", preAuthenticated(payload), privateKey).toString("base64");
      const envelope = { payloadType, payload: payload.toString("base64"), signatures: [{ sig }] };
      const entry = await logEnvelope(envelope, certificate.toString(), instance.rekor, ports);
      const bundle = JSON.stringify(bundleOf(envelope, certificate.raw, entry));
      // Nothing is attached that an operator could not verify.
      signedStatement(bundle, instance.root);
      return bundle;
    },
  };
}

/** What a DSSE signature is of (secure-systems-lab/dsse, protocol.md, "PAE"). */
function preAuthenticated(payload: Buffer): Buffer {
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** A bundle of version 0.3 (sigstore/protobuf-specs, sigstore_bundle.proto). */
function bundleOf(envelope: Envelope, certificate: Buffer, entry: LogEntry): object {
  const { signedEntryTimestamp, inclusionProof: proof } = entry.verification;
  const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString("base64") },
      tlogEntries: [
        {
          logIndex: String(entry.logIndex),
          logId: { keyId: base64(entry.logID) },
          kindVersion: { kind: "dsse", version: "0.0.1" },
          integratedTime: String(entry.integratedTime),
          inclusionPromise: { signedEntryTimestamp },
          inclusionProof: {
            logIndex: String(proof.logIndex),
            rootHash: base64(proof.rootHash),
            treeSize: String(proof.treeSize),
            hashes: proof.hashes.map(base64),
            checkpoint: { envelope: proof.checkpoint },
          },
          canonicalizedBody: entry.body,
        },
      ],
    },
    dsseEnvelope: envelope,
  };
}
