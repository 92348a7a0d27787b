import type { PromoteResult } from "./stages.ts";

/** The plan's tags that point at the image which was published, or is and changed in nothing; others were held by a newer one. Pure. */
export function tagsAt({ digest, published = digest, tags }: PromoteResult): readonly string[] {
  return tags
    .filter(({ from, to, moved }) => (moved ? to : from) === published)
    .map(({ tag }) => tag);
}
