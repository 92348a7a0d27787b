import { type Attached, readAttached } from "../../attest/artifact.ts";
import { parseStatement, subjectsOf } from "../../attest/statement.ts";
import { explain, IntegrityError } from "../../errors.ts";
import type { Digest } from "../../images/digest.ts";
import type { Store } from "../../ports/store.ts";
import { eachLimited } from "../../retry/each-limited.ts";
import { signedStatement } from "../../sigstore/verify.ts";
import { stranger, type Trusted } from "./identity.ts";
import { kindOf, type Read, readPredicate } from "./predicate.ts";
import type { LeftAside, Signed, Statements } from "./statement.ts";

export interface Trust {
  readonly who: Trusted;
  /** As trusted_root.json has it. */
  readonly root: unknown;
}

type Outcome = { readonly read: Signed<Read> } | { readonly leftAside: LeftAside };

/**
 * What the trusted identity said about an image, from all that is attached to its index. Anybody who may push there can attach
 * anything: what does not count is left aside with its reason, and never an error.
 */
export async function readStatements(
  digest: Digest,
  trust: Trust,
  store: Pick<Store, "readManifest" | "readBlob" | "blobSize" | "referrers">,
  signal?: AbortSignal,
): Promise<Statements> {
  const listed = await store.referrers(digest);
  const referrers = [...new Set(listed.map((entry) => entry.digest))];
  const outcomes = await eachLimited(
    referrers,
    4,
    async (referrer) => judged(referrer, digest, trust, store),
    signal,
  );
  const signed = outcomes.flatMap((one) => ("read" in one ? [one.read] : []));
  return {
    provenance: signed.flatMap(({ says, ...at }) =>
      says.kind === "provenance" ? [{ ...at, says: says.says }] : [],
    ),
    scan: signed.flatMap(({ says, ...at }) =>
      says.kind === "scan" ? [{ ...at, says: says.says }] : [],
    ),
    acceptance: signed.flatMap(({ says, ...at }) =>
      says.kind === "acceptance" ? [{ ...at, says: says.says }] : [],
    ),
    sbom: signed.flatMap(({ says, ...at }) =>
      says.kind === "sbom" ? [{ ...at, says: says.says }] : [],
    ),
    leftAside: outcomes.flatMap((one) => ("leftAside" in one ? [one.leftAside] : [])),
  };
}

async function judged(
  referrer: Digest,
  digest: Digest,
  trust: Trust,
  store: Pick<Store, "readManifest" | "readBlob" | "blobSize">,
): Promise<Outcome> {
  let attached: Attached | undefined;
  try {
    attached = await readAttached(store, { digest: referrer }, digest);
    if (attached === undefined) return aside(referrer, undefined, "it is no signature bundle");
    return believed(attached, digest, trust);
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return aside(referrer, attached?.predicateType, inOneLine(error));
  }
}

/** Signature, signer, subject, shape: in this order, so that nothing of a stranger's is read. */
function believed(
  { digest: referrer, bundle, predicateType }: Attached,
  digest: Digest,
  trust: Trust,
): Outcome {
  const { statement: unread, signer } = signedStatement(bundle, trust.root);
  const who = stranger(signer, trust.who);
  if (who !== undefined) return aside(referrer, predicateType, who);
  const statement = parseStatement(unread);
  const subjects = subjectsOf(statement);
  if (!subjects.includes(digest))
    return aside(
      referrer,
      statement.predicateType,
      `it was signed for another image, ${subjects[0] ?? "without a digest"}`,
    );
  return { read: { referrer, subjects, signedAt: signer.time, says: readPredicate(statement) } };
}

function aside(referrer: Digest, predicateType: string | undefined, reason: string): Outcome {
  return { leftAside: { referrer, kind: kindOf(predicateType), reason } };
}

function inOneLine(error: IntegrityError): string {
  return explain(error).replaceAll("\n  because: ", " ").replaceAll(/\s+/g, " ");
}
