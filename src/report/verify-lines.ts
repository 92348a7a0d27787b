import { asOneLine } from "./one-line.ts";

/** What is shown of an image that was verified (`verify --json` has it all). */
interface Shown {
  readonly image: string;
  readonly verdict: "passed" | "failed";
  readonly trusted: {
    readonly identity: string;
    readonly issuer: string;
    readonly repository?: string | undefined;
    readonly ref?: string | undefined;
  };
  readonly checks: readonly {
    readonly name: string;
    readonly platform?: string;
    readonly verdict: string;
    readonly reason?: string;
    readonly signedAt?: string;
  }[];
  readonly leftAside: readonly { readonly referrer: string; readonly reason: string }[];
}

/** A table for a person at a terminal: a line for each check, then what was left aside and the answer. Pure. */
export function verifyLines({
  image,
  verdict,
  trusted,
  checks,
  leftAside,
}: Shown): readonly string[] {
  const widest = (texts: readonly string[]) => Math.max(...texts.map(({ length }) => length));
  const platforms = widest(checks.map(({ platform = "" }) => platform));
  const names = widest(checks.map(({ name }) => name));
  const failed = checks.filter((check) => check.verdict === "failed").length;
  const ref = trusted.ref === undefined ? "" : ` of ${trusted.ref}`;
  const run = trusted.repository === undefined ? "" : `, in a run of ${trusted.repository}${ref}`;
  return [
    `Image    ${image}`,
    `Trusted  ${trusted.identity}${run}, by ${trusted.issuer}`,
    "",
    ...checks.map(({ name, platform = "", verdict: said, reason, signedAt }) =>
      [
        ...[said.padEnd(7), name.padEnd(names), platform.padEnd(platforms)],
        [reason, signedAt && said === "passed" ? `signed ${signedAt.slice(0, 16)}Z` : undefined]
          .filter((text) => text !== undefined)
          .join("; "),
      ]
        .join("  ")
        .trimEnd(),
    ),
    ...leftAside.map(({ referrer, reason }) => `note     ${referrer} does not count: ${reason}`),
    "",
    verdict === "passed"
      ? "Verified. A tag may move: pull it by this digest."
      : `Refused: ${failed} of ${checks.length} checks failed. See docs/verification.md for what each means.`,
  ].map(asOneLine);
}
