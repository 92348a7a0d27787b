import { UsageError } from "../errors.ts";
import type { Platform } from "../images/platform.ts";
import type { Context } from "./context.ts";
import { render } from "./expression.ts";
import { keyValue, meaningful } from "./lines.ts";

/** OCI image specification, annotations.md, "Pre-Defined Annotation Keys": what the repository says of its image. `created` is the commit's time. */
function derived(
  { sha, commitTime, repository }: Context,
  version: string | undefined,
): Readonly<Record<string, string>> {
  const { name, description = "", url, license = "" } = repository;
  const facts: Readonly<Record<string, string>> = {
    title: name,
    description,
    url,
    source: url,
    version: version ?? "",
    created: new Date(commitTime * 1000).toISOString(),
    revision: sha,
    licenses: license,
  };
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([, value]) => value !== "")
      .map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
  );
}

/** The image's labels: those of the repository, then the caller's lines `key=value`, which win. Facts that are not known make no label. */
export function labelsFor(
  lines: readonly string[],
  context: Context,
  version: string | undefined,
): Readonly<Record<string, string>> {
  return { ...derived(context, version), ...pairs("labels", lines, context) };
}

const levels = ["manifest", "index", "manifest-descriptor", "index-descriptor"] as const;
export type AnnotationLevel = (typeof levels)[number];

/**
 * The image's annotations, each key with its place before it: `manifest:`, `index:`, `manifest[linux/arm64]:` and so on, as `docker buildx
 * build --annotation` writes them. The repository's, and the caller's lines without a place, go to index and manifests.
 */
export function annotationsFor(
  lines: readonly string[],
  context: Context,
  version: string | undefined,
): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [key, value] of Object.entries(derived(context, version)))
    for (const level of ["manifest", "index"]) all[`${level}:${key}`] = value;
  for (const [written, value] of Object.entries(pairs("annotations", lines, context))) {
    const { places, key } = place(written);
    for (const level of places) all[`${level}:${key}`] = value;
  }
  return all;
}

/** The annotations of one place: of the index, or of a platform's manifest (those for that platform alone win). */
export function annotationsAt(
  annotations: Readonly<Record<string, string>>,
  level: AnnotationLevel,
  platform?: Platform,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const prefix of [`${level}:`, ...(platform === undefined ? [] : [`${level}[${platform}]:`])])
    for (const [key, value] of Object.entries(annotations))
      if (key.startsWith(prefix)) found[key.slice(prefix.length)] = value;
  return found;
}

const one = /^(manifest|index|manifest-descriptor|index-descriptor)(\[[a-z0-9._/-]+\])?$/;

/** `index,manifest[linux/amd64]:key` → its places and key. A key of its own may have a colon: only known words are places. */
function place(written: string): { places: readonly string[]; key: string } {
  const colon = written.indexOf(":");
  const places = colon === -1 ? [] : written.slice(0, colon).split(",");
  if (places.length > 0 && places.every((name) => one.test(name.trim())))
    return { places: places.map((name) => name.trim()), key: written.slice(colon + 1) };
  return { places: ["manifest", "index"], key: written };
}

function pairs(
  input: string,
  lines: readonly string[],
  context: Context,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    meaningful(lines).map((line) => {
      const [key, value] = keyValue(line);
      if (key === undefined || key === "")
        throw new UsageError(`${input}: "${line}" is not of the form key=value.`);
      return [key, expanded(input, line, value, context)];
    }),
  );
}

function expanded(input: string, line: string, value: string, context: Context): string {
  try {
    return render(value, context);
  } catch (cause) {
    throw new UsageError(`${input}: "${line}" cannot be read.`, { cause });
  }
}
