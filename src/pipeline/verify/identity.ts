import { UsageError } from "../../errors.ts";
import type { Signer } from "../../sigstore/verify.ts";

/** Whom an operator trusts: every part must hold of whoever signed a statement. */
export interface Trusted {
  /** The workflow in the certificate; one `*` or more after `@refs/heads/` or `@refs/tags/` stand for anything but a slash. */
  readonly identity: string;
  /** Who vouches for it. */
  readonly issuer: string;
  /** `https://github.com/OWNER/REPO`: whose run it was. A reusable workflow signs by its own name in whatever repository it is called. */
  readonly repository: string | undefined;
  /** `refs/tags/v1.2.3`, with `*` as above: what the run was of. Any branch or tag where undefined. */
  readonly ref: string | undefined;
}

/** Repository and branch or tag of a workflow, whatever its file is called. */
const workflow =
  /^(https:\/\/[A-Za-z0-9.-]+(?::\d+)?\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)\/\.github\/workflows\/[^*]+?@(refs\/\S+|[^@\s]+)$/;

/** Reads the flags; a UsageError where the identity would let strangers in. */
export function trusted({ identity, issuer, repository, ref }: TrustFlags): Trusted {
  if (identity === undefined || identity.trim() === "")
    throw new UsageError("--identity: whom do you trust? An image cannot vouch for itself.", {
      todo: "Name the workflow that signs, such as --identity 'https://github.com/nsn/director-image-action/.github/workflows/director-image.yml@refs/tags/v1*' --repository OWNER/REPO, whose run it was. See docs/verification.md.",
    });
  const [, own, branch] = workflow.exec(identity) ?? [];
  if (identity.includes("*") && !isRefPattern(branch ?? ""))
    throw new UsageError(
      `--identity: "${identity}" has a * elsewhere than after @refs/heads/ or @refs/tags/ of a workflow.`,
      {
        todo: "A * stands for a part of a branch's or tag's name: write out whose workflow it is.",
      },
    );
  if (repository === undefined && own === undefined && identity.includes("/.github/workflows/"))
    throw new UsageError(`--identity: "${identity}" does not say whose run it must be.`, {
      todo: "Write it as https://github.com/OWNER/REPO/.github/workflows/FILE.yml@refs/tags/TAG, or name the repository: --repository OWNER/REPO.",
    });
  if (ref !== undefined && !/^refs\/(heads|tags)\/\S+$/.test(ref))
    throw new UsageError(`--ref: "${ref}" is not refs/heads/BRANCH or refs/tags/TAG.`);
  return {
    identity,
    issuer: address("--issuer", issuer),
    repository: repository === undefined ? own : repositoryAddress(repository, own),
    ref,
  };
}

/** As they stand on the command line. */
export interface TrustFlags {
  readonly identity: string | undefined;
  readonly issuer: string;
  readonly repository: string | undefined;
  readonly ref: string | undefined;
}

/** Why a signer is not the trusted one; undefined where it is. Pure. */
export function stranger(signer: Omit<Signer, "time">, wanted: Trusted): string | undefined {
  const { subject, issuer, extensions } = signer;
  if (issuer !== wanted.issuer)
    return `${issuer || "nobody"} vouches for its signer ${subject}, not ${wanted.issuer}`;
  if (!pattern(wanted.identity).test(subject))
    return `${subject} signed it, not ${wanted.identity}`;
  const { sourceRepositoryURI, sourceRepositoryRef = "", buildTrigger = "" } = extensions;
  if (wanted.repository !== undefined && sourceRepositoryURI !== wanted.repository)
    return `a run of ${sourceRepositoryURI ?? "no repository"} signed it (by ${subject}), not one of ${wanted.repository}`;
  if (sourceRepositoryRef.startsWith("refs/pull/"))
    return `a run for a pull request signed it (${sourceRepositoryRef})`;
  // Those of pull_request_target have the branch that is asked to take it, and may build what strangers wrote.
  if (buildTrigger.startsWith("pull_request"))
    return `a run for a pull request signed it (${buildTrigger})`;
  if (wanted.ref !== undefined && !pattern(wanted.ref).test(sourceRepositoryRef))
    return `a run of ${sourceRepositoryRef || "no branch or tag"} signed it, not one of ${wanted.ref}`;
  return undefined;
}

/** Whether every `*` is in a branch's or a tag's name. */
function isRefPattern(ref: string): boolean {
  return /^refs\/(heads|tags)\/[^*]*\*/.test(ref);
}

function pattern(identity: string): RegExp {
  const parts = identity.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/@\\s]*")}$`);
}

function repositoryAddress(text: string, own: string | undefined): string {
  const host = own === undefined ? "https://github.com" : new URL(own).origin;
  const address = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(text) ? `${host}/${text}` : text;
  if (/^https:\/\/[A-Za-z0-9.-]+(?::\d+)?\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(address))
    return address;
  throw new UsageError(`--repository: "${text}" is not OWNER/REPO.`);
}

function address(name: string, text: string): string {
  if (URL.canParse(text)) return text;
  throw new UsageError(`${name}: "${text}" is not an address.`);
}
