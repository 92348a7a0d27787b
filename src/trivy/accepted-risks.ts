import { z } from "zod";
import { UsageError } from "../errors.ts";
import { parseDocument } from "../results/shape.ts";

/** A finding that somebody decided to live with, for a time. */
export interface AcceptedRisk {
  /** `CVE-…`, or the scanner's rule. */
  readonly id: string;
  /** As the finding names it. */
  readonly package: string;
  readonly reason: string;
  /** The last day that it holds, UTC: `YYYY-MM-DD`. */
  readonly expires: string;
}

const text = z.string().trim().min(1, "wanted a text that is not empty");
const risks = z.array(
  z.strictObject({
    id: text,
    package: text,
    reason: text,
    expires: z.iso.date("wanted a day, YYYY-MM-DD"),
  }),
  { error: "wanted a list: [{ id, package, reason, expires }]" },
);

/** Reads a file of accepted risks (input `scan-policy`); a UsageError names the place of what is wrong. */
export function parseAcceptedRisks(content: string, path: string): readonly AcceptedRisk[] {
  const where = `scan-policy: ${path}`;
  const todo = "Each entry has all four: id, package, reason, expires (the last day, YYYY-MM-DD).";
  const found = parseDocument(risks, content, where, todo);
  for (const [at, { id, package: name }] of found.entries()) {
    const first = found.findIndex((one) => one.id === id && one.package === name);
    if (first !== at)
      throw new UsageError(`${where}: ${at}: ${id} in ${name} is accepted twice (${first}, too).`, {
        todo: "Keep one of them.",
      });
  }
  return found;
}
