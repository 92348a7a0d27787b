import type { TokenSource } from "../sigstore/token.ts";
import type { Environment } from "./environment.ts";
import type { Read } from "./read.ts";
import { choice, ternary } from "./values.ts";

/** What is said of the final image, and as whom. */
export interface AttestInputs {
  readonly sign: "auto" | "required" | "off";
  /** The assembly's provenance, and BuildKit's. */
  readonly provenance: boolean;
  /** `required`: an image without a bill of materials is not published. */
  readonly sbom: "auto" | "required" | "off";
  /** Path of the file that names a Sigstore of one's own, as it was given. */
  readonly sigstore: string | undefined;
  /** Where tokens for this job are; undefined where it may have none. */
  readonly identity: TokenSource | undefined;
  /** Why there are none. */
  readonly noIdentity: string;
  /** GITHUB_SERVER_URL, which workflows and runs are named below. */
  readonly server: string;
}

const signings = ["auto", "required", "off"] as const;

export function attestInputs(read: Read, environment: Environment): AttestInputs {
  const sbom = ternary("sbom", read("sbom"));
  const sigstore = read("sigstore") || undefined;
  return {
    sign: choice("sign", read("sign"), signings),
    provenance: ternary("provenance", read("provenance")) !== "false",
    sbom: ({ auto: "auto", true: "required", false: "off" } as const)[sbom],
    sigstore,
    server: environment.github?.serverUrl ?? "https://github.com",
    ...identityFor(sigstore, environment),
  };
}

function identityFor(
  sigstore: string | undefined,
  { identity, github }: Environment,
): Pick<AttestInputs, "identity" | "noIdentity"> {
  if (github === undefined)
    return {
      identity: undefined,
      noIdentity: "this is no job of a workflow, so that nobody vouches for who signs",
    };
  if (sigstore !== undefined && github.eventName.startsWith("pull_request"))
    return {
      identity: undefined,
      noIdentity: "the files of a pull request do not say where tokens go (sigstore)",
    };
  if (sigstore === undefined && github.serverUrl !== "https://github.com")
    return {
      identity: undefined,
      noIdentity: `Sigstore's public good instance takes no tokens of ${github.serverUrl} (sigstore names one of your own)`,
    };
  return { identity, noIdentity: "the job has no permission id-token: write" };
}
