import { mediaTypes } from "../images/descriptor.ts";

/** The media type of a manifest or index: what its server says, else its own field, else its shape. */
export function mediaTypeOf(bytes: Uint8Array, said?: string): string {
  const type = said?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (/^application\/vnd\./.test(type)) return type;
  const value = parsed(bytes);
  if (typeof value.mediaType === "string" && isMediaType(value.mediaType)) return value.mediaType;
  return Array.isArray(value.manifests) ? mediaTypes.index : mediaTypes.manifest;
}

/** RFC 6838, 4.2: a field may hold anything, lines for a terminal too. */
function isMediaType(text: string): boolean {
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i.test(text);
}

function parsed(bytes: Uint8Array): { mediaType?: unknown; manifests?: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
