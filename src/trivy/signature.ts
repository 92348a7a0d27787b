import { IntegrityError } from "../errors.ts";
import { type Identity, type Signer, signerOfFile } from "../sigstore/verify.ts";

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
  let signer: Signer;
  try {
    signer = signerOfFile(bytes, bundle, root);
  } catch (cause) {
    throw refused("it is not one of these bytes by anybody whom Sigstore knows", cause);
  }
  if (signer.subject !== subject) throw refused(`${signer.subject} signed it, not ${subject}`);
  if (signer.issuer !== issuer)
    throw refused(`${signer.issuer} vouches for who signed it, not ${issuer}`);
}
