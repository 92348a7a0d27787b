import type { Descriptor } from "../../images/descriptor.ts";
import type { Digest } from "../../images/digest.ts";

/** The annotation by which tools find a tag in a layout (image-layout.md, "index.json"). */
export const refName = "org.opencontainers.image.ref.name";

export type Entries = readonly Descriptor[];

export function tagOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[refName];
}

/**
 * The entries with a manifest more. A tag is in one entry at most. Without a tag, a manifest is listed too, so that other tools
 * find it, unless it is listed already or a listed index names it (`children` are those that this manifest names): what
 * buildx and crane write lists the top of an image only.
 */
export function withManifest(
  entries: Entries,
  manifest: Descriptor,
  {
    tag,
    children,
    named,
  }: {
    readonly tag: string | undefined;
    /** What the manifest itself names, if it is an index. */
    readonly children: ReadonlySet<Digest>;
    /** What the listed indexes name. */
    readonly named: ReadonlySet<Digest>;
  },
): Entries {
  const others = entries.filter((entry) => {
    if (tagOf(entry) !== undefined) return tagOf(entry) !== tag;
    return (
      !children.has(entry.digest) && entry.digest !== (tag === undefined ? "" : manifest.digest)
    );
  });
  if (tag !== undefined) return [...kept(entries, others, tag), tagged(manifest, tag)];
  const listed = others.some(({ digest }) => digest === manifest.digest);
  return listed || named.has(manifest.digest) ? others : [...others, manifest];
}

/** The entries without a tag; what it pointed at stays listed. */
export function withoutTag(entries: Entries, tag: string): Entries {
  return kept(
    entries,
    entries.filter((entry) => tagOf(entry) !== tag),
    tag,
  );
}

/** Lists without its tag what nothing else lists any more. */
function kept(before: Entries, after: Entries, tag: string): Entries {
  const lost = before.find(
    (entry) => tagOf(entry) === tag && !after.some(({ digest }) => digest === entry.digest),
  );
  return lost === undefined ? after : [...after, untagged(lost)];
}

function tagged(manifest: Descriptor, tag: string): Descriptor {
  return { ...manifest, annotations: { ...manifest.annotations, [refName]: tag } };
}

function untagged(entry: Descriptor): Descriptor {
  const { annotations, ...rest } = entry;
  const others = Object.entries(annotations ?? {}).filter(([name]) => name !== refName);
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}
