import { z } from "zod";
import { IntegrityError } from "../errors.ts";
import { type Digest, isDigest } from "../images/digest.ts";

/** in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md). Its first subject is the final image's index. */
const shape = z.looseObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z
    .array(z.looseObject({ name: z.string().optional(), digest: z.record(z.string(), z.string()) }))
    .min(1),
  predicateType: z.string(),
  predicate: z.looseObject({}),
});
export type Statement = z.infer<typeof shape>;

/** What a statement is about: a manifest, and its name for people. */
export interface Subject {
  readonly name: string;
  readonly digest: Digest;
}

export function statementOf(
  subjects: readonly [Subject, ...Subject[]],
  predicateType: string,
  predicate: object,
): Statement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects.map(({ name, digest }) => ({
      name,
      digest: { sha256: digest.slice("sha256:".length) },
    })),
    predicateType,
    predicate: { ...predicate },
  };
}

/** An IntegrityError where it is no statement. */
export function parseStatement(value: unknown): Statement {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: "" };
  throw new IntegrityError(`This is no in-toto statement: ${path.join(".")}: ${message}.`);
}

/** The digests that a statement is about, those of other hashes than sha256 left out. */
export function subjectsOf({ subject }: Statement): readonly Digest[] {
  return subject
    .map(({ digest }) => `sha256:${digest["sha256"] ?? ""}`)
    .filter((one) => isDigest(one));
}
