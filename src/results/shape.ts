import { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";

export const digest = z.custom<Digest>(
  (value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value),
  {
    error: "wanted sha256: and 64 hexadecimal digits",
  },
);
export const bytes = z.int().nonnegative();
export const verdict = z.enum(["passed", "failed", "skipped", "inconclusive"]);

/** A document that comes from a file: checked against its shape, with the place of the first thing that is wrong. */
export function parseDocument<T>(
  shape: z.ZodType<T>,
  text: string,
  where: string,
  todo: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${where}: this is not JSON.`, { cause, todo });
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 5)
    .map(
      ({ path, message }) => `${path.length === 0 ? "the document" : path.join(".")}: ${message}`,
    );
  throw new UsageError(`${where}: ${problems.join("; ")}.`, { todo });
}
