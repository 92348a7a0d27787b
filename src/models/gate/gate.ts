import { type ContentType, contentType } from "./content.ts";

/** What the weights gate says of a file (the models result's `files`). */
export interface FileVerdict {
  readonly file: string;
  readonly type: ContentType;
  readonly verdict: "passed" | "failed";
  /** Which rule decided. */
  readonly rule?: string;
  /** For people: why it failed. */
  readonly reason?: string;
}

export interface GatedFile {
  /** `<name>/<path>`. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** The lock's reason to take it all the same. */
  readonly allow?: string | undefined;
}

const refused: Partial<Record<ContentType, string>> = {
  html: "it is an HTML page, not weights",
  "git-lfs-pointer": "it is a git-lfs pointer, not the weights it stands for",
  empty: "it is empty",
};

/** Judges a file by its first bytes (up to `headSize` of them), before any later byte passes. */
export function judge({ file, size, allow }: GatedFile, head: Uint8Array): FileVerdict {
  const type = contentType(head, size);
  const reason = refused[type];
  if (reason === undefined) return { file, type, verdict: "passed" };
  return allow === undefined
    ? { file, type, verdict: "failed", rule: `no-${type}`, reason }
    : { file, type, verdict: "passed", rule: `allowed: ${allow}` };
}
