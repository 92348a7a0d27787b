import { createHash, generateKeyPairSync, type KeyPairKeyObjectResult, sign } from "node:crypto";
import { initializeCA, initializeTLog } from "@sigstore/mock";
import type { Identity } from "../../src/sigstore/verify.ts";

/** Who gives certificates and who logs signatures, and what both are known by. */
export interface Authorities {
  readonly ca: Awaited<ReturnType<typeof initializeCA>>;
  readonly tlog: Awaited<ReturnType<typeof initializeTLog>>;
  /** As trusted_root.json has it. */
  readonly root: object;
}

/** A Sigstore of our own: who is trusted, and a way to sign as anybody. */
export interface Signing {
  /** As trusted_root.json has it. */
  readonly root: object;
  /** The bundle of these bytes, as `cosign sign-blob --bundle` writes it. */
  bundle(bytes: Uint8Array, identity: Identity): Promise<string>;
}

const keys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

export async function authorities(): Promise<Authorities> {
  const ctlog = certificateLog(keys());
  const ca = await initializeCA(keys(), ctlog);
  const tlog = await initializeTLog("https://rekor.example", keys());
  const validFor = { start: new Date(Date.now() - 3_600_000).toISOString() };
  const log = (url: string, id: Uint8Array, key: Uint8Array) => ({
    ...{ baseUrl: url, hashAlgorithm: "SHA2_256", logId: { keyId: base64(id) } },
    publicKey: { rawBytes: base64(key), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
  });
  const certificates = [{ rawBytes: base64(ca.rootCertificate) }];
  const tlogKey = Buffer.from(tlog.publicKey);
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log("https://rekor.example", createHash("sha256").update(tlogKey).digest(), tlogKey)],
    certificateAuthorities: [{ uri: "https://ca.example", certChain: { certificates }, validFor }],
    ctlogs: [log("https://ct.example", ctlog.logID, ctlog.publicKey)],
    timestampAuthorities: [],
  };
  return { ca, tlog, root };
}

export async function startSigning(): Promise<Signing> {
  const { ca, tlog, root } = await authorities();
  const bundle: Signing["bundle"] = async (bytes, { subject, issuer }) => {
    const { publicKey, privateKey } = keys();
    const certificate = await ca.issueCertificate({
      publicKey: publicKey.export({ format: "der", type: "spki" }),
      subjectAltName: subject,
      extensions: [{ oid: "1.3.6.1.4.1.57264.1.1", value: issuer, legacy: true }],
    });
    const signature = sign("sha256", bytes, privateKey);
    const digest = createHash("sha256").update(bytes).digest();
    const pem = `-----BEGIN CERTIFICATE-----\n${base64(certificate)}\n-----END CERTIFICATE-----\n`;
    const logged = await tlog.log({
      ...{ apiVersion: "0.0.1", kind: "hashedrekord" },
      spec: {
        data: { hash: { algorithm: "sha256", value: digest.toString("hex") } },
        signature: {
          content: base64(signature),
          publicKey: { content: base64(Buffer.from(pem)) },
        },
      },
    });
    return JSON.stringify(bundleOf(certificate, signature, digest, Object.values(logged)[0]));
  };
  return { root, bundle };
}

/** A log of certificates, whose receipts are those of RFC 6962, 3.2. */
function certificateLog({ publicKey, privateKey }: KeyPairKeyObjectResult) {
  const key = publicKey.export({ format: "der", type: "spki" });
  const logID = createHash("sha256").update(key).digest();
  const log = async (certificate: ArrayBuffer, issuer: ArrayBuffer): Promise<ArrayBuffer> => {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(Date.now()));
    const body = firstElement(Buffer.from(certificate));
    const size = number(body.length, 3);
    const entry = [number(1, 2), Buffer.from(issuer), size, body, number(0, 2)];
    const signed = sign("sha256", Buffer.concat([number(0, 2), time, ...entry]), privateKey);
    const ecdsaOfSha256 = Buffer.from([4, 3]);
    const parts = [number(0, 1), logID, time, number(0, 2), ecdsaOfSha256];
    const receipt = Buffer.concat([...parts, number(signed.length, 2), signed]);
    return new Uint8Array(Buffer.concat([number(receipt.length, 2), receipt])).buffer;
  };
  return { publicKey: key, logID, log };
}

/** What is signed of a certificate: the first element of its DER sequence. */
function firstElement(certificate: Buffer): Buffer {
  const start = 1 + lengthAt(certificate, 1).bytes;
  const { bytes, value } = lengthAt(certificate, start + 1);
  return certificate.subarray(start, start + 1 + bytes + value);
}

function lengthAt(der: Buffer, at: number): { readonly bytes: number; readonly value: number } {
  const first = der[at] ?? 0;
  if (first < 0x80) return { bytes: 1, value: first };
  const more = first & 0x7f;
  return { bytes: 1 + more, value: der.readUIntBE(at + 1, more) };
}

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

type Logged = Record<string, unknown> & { readonly verification: Record<string, unknown> };

function bundleOf(
  certificate: Uint8Array,
  signature: Uint8Array,
  digest: Uint8Array,
  entry: unknown,
): object {
  const { body, integratedTime, logID, logIndex, verification } = entry as Logged;
  return {
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: base64(certificate) }] },
      tlogEntries: [
        {
          ...{ logIndex: String(logIndex), integratedTime: String(integratedTime) },
          logId: { keyId: Buffer.from(String(logID), "hex").toString("base64") },
          kindVersion: { kind: "hashedrekord", version: "0.0.1" },
          inclusionPromise: { signedEntryTimestamp: verification["signedEntryTimestamp"] },
          canonicalizedBody: body,
        },
      ],
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(digest) },
      signature: base64(signature),
    },
  };
}
