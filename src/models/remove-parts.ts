import { basename, dirname } from "node:path";
import { isError } from "../errors.ts";
import { claimPart, type PartPorts } from "./part-file.ts";

/**
 * Removes what earlier tries left beside a file that is there now, whatever content they were of; parts that a running process fills
 * stay. What cannot be removed takes room and does no other harm: it is left.
 */
export async function removeParts(target: string, ports: PartPorts): Promise<void> {
  try {
    for (const sha256 of await partsOf(target, ports)) {
      const part = await claimPart(target, sha256, ports);
      await part.discard();
    }
  } catch (error) {
    if (!isError(error) || !("syscall" in error)) throw error;
  }
}

/** The first digits of the sha256 that each part beside the file shall have. */
async function partsOf(target: string, { files }: PartPorts): Promise<readonly string[]> {
  const name = basename(target);
  return (await files.readdir(dirname(target))).flatMap((entry) => {
    const [, digits] = /^\.([0-9a-f]{12})\.part(?:\.|$)/.exec(entry.slice(name.length)) ?? [];
    return digits !== undefined && entry.startsWith(name) ? [digits] : [];
  });
}
