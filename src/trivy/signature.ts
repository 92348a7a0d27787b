import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { IntegrityError } from "../errors.ts";

/** Who must have signed: a workflow, and who vouches for it. */
export interface Identity {
  readonly subject: string;
  readonly issuer: string;
}

/** The release workflow of a version, as GitHub names it in the certificate. */
export function releaseIdentity(version: string): Identity {
  return {
    subject: `https://github.com/aquasecurity/trivy/.github/workflows/reusable-release.yaml@refs/tags/v${version}`,
    issuer: "https://token.actions.githubusercontent.com",
  };
}

/** Checks a file's bytes by their signature bundle (Sigstore); an IntegrityError where they are not what that identity signed. */
export function verifySignature(
  name: string,
  bytes: Uint8Array,
  bundle: string,
  { subject, issuer }: Identity,
  root: unknown,
): void {
  const refused = (why: string, cause?: unknown) =>
    new IntegrityError(`${name}: its signature does not prove it: ${why}.`, {
      cause,
      todo: "It was not run. A mirror may have another file under this name; take the release's own file and its .sigstore.json.",
    });
  let signer: ReturnType<Verifier["verify"]>;
  try {
    const signed = bundleFromJSON(JSON.parse(bundle));
    // A signed statement proves nothing about bytes that are not in it.
    if (signed.content.$case !== "messageSignature")
      throw new IntegrityError("The bundle signs a statement, not the bytes of a file.");
    const entity = toSignedEntity(signed, Buffer.from(bytes));
    signer = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root))).verify(entity);
  } catch (cause) {
    throw refused("it is not one of these bytes by anybody whom Sigstore knows", cause);
  }
  const { subjectAlternativeName, extensions } = signer.identity ?? {};
  if (subjectAlternativeName !== subject)
    throw refused(`${subjectAlternativeName} signed it, not ${subject}`);
  if (extensions?.issuer !== issuer)
    throw refused(`${extensions?.issuer} vouches for who signed it, not ${issuer}`);
}
