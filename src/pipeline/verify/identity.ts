import { UsageError } from "../../errors.ts";

/** Whom an operator trusts: every part must hold of whoever signed a statement. */
export interface Trusted {
  /** The workflow in the certificate; one `*` or more after `@refs/heads/` or `@refs/tags/` stand for anything but a slash. */
  readonly identity: string;
  /** Who vouches for it. */
  readonly issuer: string;
  /** `https://github.com/OWNER/REPO`: whose run it was. A reusable workflow signs by its own name in whatever repository it is called. */
  readonly repository: string | undefined;
}

/** Who signed, as the certificate says it (sigstore/verify.ts). */
export interface Signer {
  readonly subject: string;
  readonly issuer: string;
  readonly extensions: Readonly<Record<string, string>>;
}

const workflow =
  /^(https:\/\/[A-Za-z0-9.-]+(?::\d+)?\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)\/\.github\/workflows\/[A-Za-z0-9_.-]+\.ya?ml@(\S+)$/;

/** Reads the flags; a UsageError where the identity would let strangers in. */
export function trusted(
  identity: string | undefined,
  issuer: string,
  repository: string | undefined,
): Trusted {
  if (identity === undefined || identity.trim() === "")
    throw new UsageError("--identity: whom do you trust? An image cannot vouch for itself.", {
      todo: "Name the workflow that publishes it: --identity 'https://github.com/OWNER/REPO/.github/workflows/docker-director.yml@refs/tags/v*'. See docs/verification.md.",
    });
  const [, own, ref] = workflow.exec(identity) ?? [];
  if (identity.includes("*") && !/^refs\/(heads|tags)\/[^*]*\*/.test(ref ?? ""))
    throw new UsageError(
      `--identity: "${identity}" has a * elsewhere than after @refs/heads/ or @refs/tags/ of a workflow.`,
      {
        todo: "A * stands for a part of a branch's or tag's name: write out whose workflow it is.",
      },
    );
  return {
    identity,
    issuer: required("--issuer", issuer),
    repository: repository === undefined ? own : repositoryAddress(repository, own),
  };
}

/** Why a signer is not the trusted one; undefined where it is. Pure. */
export function stranger(signer: Signer, wanted: Trusted): string | undefined {
  const { subject, issuer, extensions } = signer;
  if (issuer !== wanted.issuer)
    return `${issuer || "nobody"} vouches for its signer ${subject}, not ${wanted.issuer}`;
  if (!pattern(wanted.identity).test(subject))
    return `${subject} signed it, not ${wanted.identity}`;
  const { sourceRepositoryURI } = extensions;
  if (wanted.repository !== undefined && sourceRepositoryURI !== wanted.repository)
    return `a run of ${sourceRepositoryURI ?? "no repository"} signed it (by ${subject}), not one of ${wanted.repository}`;
  return undefined;
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

function required(name: string, text: string): string {
  if (URL.canParse(text)) return text;
  throw new UsageError(`${name}: "${text}" is not an address.`);
}
