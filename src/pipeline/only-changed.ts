import { join } from "node:path";
import { CheckError, IntegrityError, inSentence } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Document } from "../images/manifest.ts";
import type { Files } from "../ports/files.ts";
import type { Store } from "../ports/store.ts";
import { replaceFile } from "../replace-file.ts";
import { changesLines, changesMarkdown } from "../report/changes.ts";
import type { Changes } from "../results/changes.ts";
import type { PromoteResult, ScanResult } from "../results/stages.ts";
import { compare, firstOf, type PlatformScan } from "./compare.ts";
import { type Attested, type PromotePorts, type Promoting, promote } from "./promote.ts";
import { type Plan, publishedBy, standing } from "./published.ts";
import { readImage } from "./read-image.ts";

/** Names of the report of what changed, in the results folder. */
export const changesFiles: readonly string[] = ["changes.json", "changes.md"];

/** What the candidate changes of the image that operators have, and the image that keeps the tags if it is nothing. */
async function changesSince(
  candidate: Digest,
  plan: Plan,
  scans: readonly ScanResult[],
  store: Store,
): Promise<{ readonly changes: Changes; readonly published?: Document }> {
  const now = {
    ...(await readImage(candidate, store)),
    ...{ name: candidate, scans: scans.flatMap(({ platforms }) => platforms) },
  };
  const found = standing(await publishedBy(plan, store), candidate);
  if (found === undefined)
    return {
      changes: firstOf(now, "nothing was published under the plan's tags or latest before"),
    };
  const { digest, tag } = found.since;
  const name = `${tag}@${digest}`;
  const old = await readImage(digest, store).catch(unreadable);
  if ("unreadable" in old) {
    const why = `changed: the published image ${name} cannot be read: ${old.unreadable}`;
    return { changes: { ...firstOf(now, why), since: name } };
  }
  const looked = scannedBefore(digest, scans);
  return {
    changes: compare({ ...old, name, scans: looked }, now),
    published: found.tagged.document,
  };
}

/** An image of which something is gone or broken: nobody can pull it, so that the candidate is better whatever it is. */
function unreadable(error: unknown): { readonly unreadable: string } {
  if (!(error instanceof CheckError || error instanceof IntegrityError)) throw error;
  return { unreadable: inSentence(error.message) };
}

/** What the scans saw of the published image; nothing where it was another one then. */
function scannedBefore(digest: Digest, scans: readonly ScanResult[]): readonly PlatformScan[] {
  return scans.flatMap(({ published }) =>
    published?.digest === digest ? published.platforms : [],
  );
}

/**
 * Promotes where an operator gets something by the candidate, and reports what. Else the tags are left at, or brought to, what is published,
 * and that is said to have been scanned again.
 */
export async function promoteChanged(
  promoting: Omit<Promoting, "instead">,
  version: string | undefined,
  folder: string,
  { files, attestScan, ...ports }: ChangedPorts,
): Promise<PromoteResult> {
  const { candidate, tags, scans } = promoting;
  const plan = { tags, version };
  const { changes, published } = await changesSince(candidate.digest, plan, scans, ports.store);
  await writeChanges(changes, folder, files);
  for (const line of changesLines(changes)) ports.log.info(line);
  if (changes.changed || published === undefined)
    return { ...(await promote(promoting, ports)), changes };
  const instead = { published, why: changes.why };
  const attest = () => attestScan(published);
  return { ...(await promote({ ...promoting, instead }, { ...ports, attest })), changes };
}

interface ChangedPorts extends PromotePorts {
  readonly files: ChangesFiles;
  /** Says of the published image what the scan saw in the same runtimes. */
  readonly attestScan: (published: Document) => Promise<Attested>;
}

type ChangesFiles = Pick<Files, "writeFile" | "rename" | "rm">;

/** Keeps the report in the results folder, for programs and for people. */
async function writeChanges(changes: Changes, folder: string, files: ChangesFiles): Promise<void> {
  const texts = [`${JSON.stringify(changes, null, 2)}\n`, changesMarkdown(changes)];
  for (const [at, name] of changesFiles.entries())
    await replaceFile(join(folder, name), texts[at] ?? "", files);
}
