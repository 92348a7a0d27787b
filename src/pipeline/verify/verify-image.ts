import { UsageError } from "../../errors.ts";
import type { Digest } from "../../images/digest.ts";
import type { Platform } from "../../images/platform.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import type { PolicyCheck } from "./check.ts";
import { readFinalImage } from "./final-image.ts";
import type { Trusted } from "./identity.ts";
import { judgeImage, type Policy } from "./policy.ts";
import { readStatements, type Trust } from "./read-statements.ts";
import type { LeftAside } from "./statement.ts";
import { readWeights } from "./weight-bytes.ts";

export interface VerifyRequest {
  /** Tag or digest. */
  readonly reference: string;
  /** All where undefined. */
  readonly platforms: readonly Platform[] | undefined;
  readonly trust: Trust;
  readonly policy: Policy;
  /** Whether every byte of the weights in the image is read, too: gigabytes. */
  readonly weights: boolean;
}

/** What `verify --json` prints. */
export interface VerifiedImage {
  /** `REPOSITORY@DIGEST`: what was looked at; a tag may point elsewhere by now. */
  readonly image: string;
  readonly digest: Digest;
  readonly verdict: "passed" | "failed";
  readonly trusted: Trusted;
  readonly checks: readonly PolicyCheck[];
  /** What is attached and does not count. */
  readonly leftAside: readonly LeftAside[];
}

interface Ports {
  readonly store: Store;
  readonly files: Pick<Files, "open" | "lstat">;
  readonly log: Pick<Log, "info" | "progress">;
  readonly signal?: AbortSignal;
}

/** Whether an image is what the trusted identity published, and is fit to run, by what is attached to it. */
export async function verifyImage(
  { reference, platforms, trust, policy, weights }: VerifyRequest,
  { store, files, log, signal }: Ports,
): Promise<VerifiedImage> {
  const document = await store.readManifest(reference);
  if (document === undefined)
    throw new UsageError(`There is no image ${reference} in ${store.name}.`);
  const { digest } = document;
  log.info(`Looking at ${store.name}@${digest}.`);
  const image = await readFinalImage(document, platforms, store);
  const statements = await readStatements(digest, trust, store, signal);
  const judged = judgeImage(image, statements, policy);
  const read = weights ? await readWeights(image, { store, files, log, signal }) : [];
  const checks = [...judged, ...read];
  return {
    image: `${store.name}@${digest}`,
    digest,
    verdict: checks.some(({ verdict }) => verdict === "failed") ? "failed" : "passed",
    trusted: trust.who,
    checks,
    leftAside: statements.leftAside,
  };
}
