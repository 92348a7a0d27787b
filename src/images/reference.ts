import { UsageError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** `registry/name[:tag][@digest]`, as Docker reads it (distribution/reference grammar). */
export interface RegistryReference {
  readonly kind: "registry";
  /** Host and port; `docker.io` where none was written. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** `oci:DIR[:tag][@digest]`: an OCI image layout on disk. */
interface LayoutReference {
  readonly kind: "layout";
  readonly folder: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export type Reference = RegistryReference | LayoutReference;

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const host =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Reads a reference; a UsageError says what is wrong with it. */
export function parseReference(text: string): Reference {
  const [name, digest] = splitDigest(text);
  const layout = name.startsWith("oci:");
  const rest = layout ? name.slice("oci:".length) : name;
  const colon = rest.lastIndexOf(":");
  const tagged = colon > rest.lastIndexOf("/") && colon !== -1;
  const tag = tagged ? rest.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw wrong(text, `"${tag}" is not a tag (letters, digits, "_", "." and "-", at most 128)`);
  }
  const place = tagged ? rest.slice(0, colon) : rest;
  const pointer = {
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
  if (!layout) return { kind: "registry", ...parseRepository(place, text), ...pointer };
  if (place === "") throw wrong(text, "no folder after oci:");
  return { kind: "layout", folder: place, ...pointer };
}

/** Reads `registry/name` or `oci:DIR` without tag or digest. */
export function parsePlace(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw wrong(text, "no tag or digest is wanted here");
  return reference;
}

/** The place alone: `ghcr.io/nsn/director` or `oci:DIR`. */
export function placeName(reference: Reference): string {
  return reference.kind === "layout"
    ? `oci:${reference.folder}`
    : `${reference.registry}/${reference.repository}`;
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

function splitDigest(text: string): [string, Digest | undefined] {
  const at = text.indexOf("@");
  if (at === -1) return [text, undefined];
  const digest = text.slice(at + 1);
  if (!isDigest(digest))
    throw wrong(text, `"${digest}" is not a digest (sha256: and 64 hexadecimal digits)`);
  return [text.slice(0, at), digest];
}

function parseRepository(place: string, text: string): { registry: string; repository: string } {
  const slash = place.indexOf("/");
  const first = slash === -1 ? "" : place.slice(0, slash);
  const named =
    first.includes(".") ||
    first.includes(":") ||
    first === "localhost" ||
    first !== first.toLowerCase();
  const registry = named ? first : "docker.io";
  if (named && !isHost(registry)) throw wrong(text, `"${registry}" is not a registry's host`);
  const path = named ? place.slice(slash + 1) : place;
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (path === "" || path.length > 255)
    throw wrong(text, "no repository name of 1 to 255 characters");
  const bad = path.split("/").find((part) => !component.test(part));
  if (bad !== undefined) {
    const why =
      bad === bad.toLowerCase()
        ? "is not a part of a repository name"
        : "has upper case letters, which registries refuse";
    throw wrong(text, `"${bad}" ${why}`);
  }
  return { registry: registry === "index.docker.io" ? "docker.io" : registry, repository };
}

/** A name may fit the grammar and yet be no address: a port above 65535, or `foo.1`, whose end makes it a broken IPv4 address. */
function isHost(text: string): boolean {
  return host.test(text) && URL.canParse(`https://${text}`);
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`"${text}" is not an image reference: ${why}.`, {
    todo: "Wanted: registry/name[:tag][@sha256:…], or oci:FOLDER[:tag] for a layout on disk.",
  });
}
