import { type Bundle, bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { IntegrityError } from "../errors.ts";
import { claimsOf } from "./claims.ts";

/** Who must have signed: a workflow (or an address), and who vouches for it. */
export interface Identity {
  readonly subject: string;
  readonly issuer: string;
}

/** Who did sign, as Fulcio's certificate says; proved by the chain to a trusted root, not by whoever handed the bundle over. */
export interface Signer extends Identity {
  /** Fulcio's other words of the certificate (its docs/oid-info.md), such as `sourceRepositoryDigest`; empty ones are left out. */
  readonly extensions: Readonly<Record<string, string>>;
  /** When the transparency log took the signature; undefined where only a timestamp authority vouches for the time. */
  readonly time: Date | undefined;
}

export interface SignedStatement {
  /** The in-toto statement, as JSON that nobody has looked at yet. */
  readonly statement: unknown;
  readonly signer: Signer;
}

const statementType = "application/vnd.in-toto+json";

/** Who signed a file's bytes (a bundle's `messageSignature`). An IntegrityError where nobody did whom the root knows. */
export function signerOfFile(bytes: Uint8Array, bundle: string, root: unknown): Signer {
  const signed = parse(bundle);
  // A signed statement proves nothing about bytes that are not in it.
  if (signed.content.$case !== "messageSignature")
    throw new IntegrityError("The bundle signs a statement, not the bytes of a file.");
  return verified(signed, root, Buffer.from(bytes));
}

/** The in-toto statement of a bundle (a DSSE envelope), and who signed it. An IntegrityError where nobody did whom the root knows. */
export function signedStatement(bundle: string, root: unknown): SignedStatement {
  const signed = parse(bundle);
  if (signed.content.$case !== "dsseEnvelope")
    throw new IntegrityError("The bundle signs the bytes of a file, not a statement.");
  const { payload, payloadType, signatures } = signed.content.dsseEnvelope;
  if (payloadType !== statementType)
    throw new IntegrityError(`The bundle signs ${payloadType}, not ${statementType}.`);
  if (signatures.length !== 1)
    throw new IntegrityError(`The bundle has ${signatures.length} signatures, not one.`);
  const signer = verified(signed, root);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    return { statement: JSON.parse(text), signer };
  } catch (cause) {
    throw new IntegrityError("What the bundle signs is not JSON.", { cause });
  }
}

function parse(bundle: string): Bundle {
  try {
    return bundleFromJSON(JSON.parse(bundle));
  } catch (cause) {
    throw new IntegrityError("This is no signature bundle of Sigstore.", { cause });
  }
}

function verified(bundle: Bundle, root: unknown, bytes?: Buffer): Signer {
  try {
    const entity = toSignedEntity(bundle, bytes);
    const { identity } = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root))).verify(entity);
    return {
      subject: identity?.subjectAlternativeName ?? "",
      issuer: identity?.extensions?.issuer ?? "",
      extensions: claimsOf(identity?.oids ?? []),
      time: loggedAt(bundle),
    };
  } catch (cause) {
    throw new IntegrityError(
      "The signature is not one of these bytes by anybody whom Sigstore knows.",
      {
        cause,
      },
    );
  }
}

/** The earliest time that a log promised: only an entry with a promise has a signed time. */
function loggedAt({ verificationMaterial }: Bundle): Date | undefined {
  const times = verificationMaterial.tlogEntries
    .filter(({ inclusionPromise }) => inclusionPromise !== undefined)
    .map(({ integratedTime }) => Number(integratedTime) * 1000);
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}
