import { dirname, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { isLoopback } from "../images/loopback.ts";
import type { Files } from "../ports/files.ts";
import { trustedRoot } from "./trusted-root.ts";

/** A Sigstore: who gives certificates, who logs signatures, and what both are known by. */
export interface Instance {
  readonly fulcio: URL;
  readonly rekor: URL;
  /** trusted_root.json of its TUF repository, parsed. */
  readonly root: unknown;
}

const publicGood: Instance = {
  fulcio: new URL("https://fulcio.sigstore.dev"),
  rekor: new URL("https://rekor.sigstore.dev"),
  root: trustedRoot,
};

const file = z.strictObject({
  fulcio: z.string(),
  rekor: z.string(),
  /** Path of a trusted_root.json, from this file's folder on. */
  trustedRoot: z.string(),
});

/** The public good instance, or one of one's own that a file names: `{ fulcio, rekor, trustedRoot }`. A UsageError where that cannot be used. */
export async function sigstoreInstance(
  path: string | undefined,
  files: Pick<Files, "readFile">,
): Promise<Instance> {
  if (path === undefined) return publicGood;
  const parsed = file.safeParse(await json(path, files));
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0] ?? { path: [], message: "" };
    throw new UsageError(`sigstore: ${path}: ${at.join(".")}: ${message}.`, {
      todo: 'Wanted is { "fulcio": "https://…", "rekor": "https://…", "trustedRoot": "trusted_root.json" }.',
    });
  }
  const { fulcio, rekor, trustedRoot: root } = parsed.data;
  return {
    fulcio: address(path, "fulcio", fulcio),
    rekor: address(path, "rekor", rekor),
    root: await json(resolve(dirname(path), root), files),
  };
}

async function json(path: string, files: Pick<Files, "readFile">): Promise<unknown> {
  try {
    return JSON.parse(await files.readFile(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`sigstore: ${path} cannot be read as JSON.`, { cause });
  }
}

/** A token goes there: over TLS, but on this very machine. */
function address(path: string, name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url === undefined || !secure)
    throw new UsageError(`sigstore: ${path}: ${name}: "${text}" is no address (https://…).`);
  return url;
}
