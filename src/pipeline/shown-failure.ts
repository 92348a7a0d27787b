import { ending } from "../errors.ts";

/**
 * A failure as it may be shown to everybody, in a summary or an issue: a runner masks what it logs, and not what stands there. What programs
 * printed (lines after a bar) stays in the log, and known secrets are struck out, the long ones first: one may be a part of another.
 */
export function shownFailure(error: unknown, secrets: readonly string[]): string {
  const told = ending(error)
    .text.split("\n")
    .filter((line) => !/^\s*\|( |$)/.test(line))
    .join("\n");
  return secrets
    .flatMap((secret) => secret.split("\n").map((line) => line.trim()))
    .filter((part) => /\w/.test(part))
    .sort((a, b) => b.length - a.length)
    .reduce((left, part) => left.replaceAll(part, "***"), told);
}
