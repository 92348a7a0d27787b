import { fileURLToPath } from "node:url";
import { z } from "zod";
import { RemoteError, UsageError } from "../errors.ts";
import type { Files } from "../ports/files.ts";
import { persist } from "../retry/persist.ts";
import type { SourcePorts } from "./file-reader.ts";
import { isWeightsOrText, matches } from "./glob.ts";
import type { ModelSource } from "./lock.ts";
import { locate } from "./sources/locate.ts";
import { accessTo, addressBelow, apiAddress } from "./sources/places.ts";
import { refusal } from "./sources/refusal.ts";

import type { SpecFiles, SpecModel } from "./spec.ts";

export type ListingPorts = SourcePorts & { readonly files: Pick<Files, "open" | "stat"> };

/** A file as its source tells of it, without its bytes. */
export interface ListedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Where the source knows it: Git LFS objects of a hub. */
  readonly sha256: string | undefined;
  readonly allow: string | undefined;
}

export interface Listing {
  /** With the commit that a branch points at now. */
  readonly source: ModelSource;
  /** In the order of their paths. */
  readonly files: readonly ListedFile[];
}

const repositoryShape = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.looseObject({
      rfilename: z.string(),
      size: z.int().nonnegative(),
      lfs: z.looseObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int() }).nullish(),
    }),
  ),
});

/** What a model's source has of the wanted files; a UsageError names a pattern that fits nothing. */
export async function listModel(
  model: SpecModel,
  ports: ListingPorts,
  signal?: AbortSignal,
): Promise<Listing> {
  const { source } = model;
  if ("huggingface" in source) return await listRepository(model, source, ports, signal);
  const files: ListedFile[] = [];
  for (const { pattern, allow } of model.files ?? []) {
    const size = await sizeAt(model.name, source.url, pattern, ports, signal);
    files.push({ path: pattern, size, sha256: undefined, allow });
  }
  return { source, files: files.sort(byPath) };
}

async function listRepository(
  { name, files: wanted }: SpecModel,
  { huggingface, revision }: { huggingface: string; revision: string },
  ports: ListingPorts,
  signal?: AbortSignal,
): Promise<Listing> {
  const { hub, clock, fetch, idleTimeout } = ports;
  const url = apiAddress(hub, huggingface, revision);
  const text = await persist(
    async () => {
      const asked = {
        what: name,
        place: "the hub",
        access: accessTo(huggingface, hub),
        token: hub.token,
      };
      const { response } = await locate(
        "GET",
        { url, token: hub.token, idleTimeout },
        {},
        fetch,
        signal,
      );
      if (response.status === 200) return await response.text();
      await response.discard();
      throw refusal(response, { ...asked, url }, clock.now());
    },
    ports,
    { signal },
  );
  const { sha, siblings } = parseRepository(text, url, name);
  const found = siblings.map(({ rfilename: path, size, lfs }) => ({
    path,
    size: lfs?.size ?? size,
    sha256: lfs?.sha256,
  }));
  return {
    source: { huggingface, revision: sha },
    files: select(name, huggingface, found, wanted),
  };
}

function parseRepository(text: string, url: URL, name: string): z.infer<typeof repositoryShape> {
  try {
    return repositoryShape.parse(JSON.parse(text));
  } catch (cause) {
    throw new RemoteError(`${name}: ${url.origin}${url.pathname} did not answer as a hub does.`, {
      cause,
      todo: "Look whether HF_ENDPOINT is the address of a Hugging Face hub.",
    });
  }
}

function select(
  name: string,
  repository: string,
  found: readonly Omit<ListedFile, "allow">[],
  wanted: readonly SpecFiles[] | undefined,
): readonly ListedFile[] {
  const patterns = wanted ?? [];
  const idle = patterns.find(({ pattern }) => !found.some(({ path }) => matches(path, pattern)));
  if (idle !== undefined) {
    const some = found.slice(0, 12).map(({ path }) => path);
    throw new UsageError(`${name}: no file of ${repository} fits "${idle.pattern}".`, {
      todo: `It has ${some.join(", ")}${found.length > some.length ? ", …" : ""}.`,
    });
  }
  const files = found.flatMap((file) => {
    const fits = patterns.filter(({ pattern }) => matches(file.path, pattern));
    if (wanted === undefined ? !isWeightsOrText(file.path) : fits.length === 0) return [];
    return [{ ...file, allow: fits.find(({ allow }) => allow !== undefined)?.allow }];
  });
  if (files.length === 0)
    throw new UsageError(`${name}: ${repository} has no weights; name its "files".`);
  return files.sort(byPath);
}

/** Bytes of a file under an address, by asking for its first byte: not every server answers HEAD. */
async function sizeAt(
  name: string,
  folder: string,
  path: string,
  { fetch, files, clock, log, idleTimeout }: ListingPorts,
  signal?: AbortSignal,
): Promise<number> {
  const url = addressBelow(folder, path);
  if (url.protocol === "file:") return (await statOf(fileURLToPath(url), name, files)).size;
  const what = `${name}/${path}`;
  return await persist(
    async () => {
      const range = { range: "bytes=0-0" };
      const { response, url: last } = await locate(
        "GET",
        { url, idleTimeout },
        range,
        fetch,
        signal,
      );
      await response.discard();
      const { status, headers } = response;
      const total =
        /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] ??
        (status === 200 ? headers["content-length"] : undefined);
      if (total !== undefined && [200, 206, 416].includes(status)) return Number(total);
      if (status !== 200 && status !== 206)
        throw refusal(response, { what, place: last.host, url: last }, clock.now());
      throw new RemoteError(`${what}: ${last.origin}${last.pathname} does not tell its size.`);
    },
    { clock, log },
    { signal },
  );
}

async function statOf(path: string, name: string, files: Pick<Files, "stat">) {
  try {
    return await files.stat(path);
  } catch (cause) {
    throw new UsageError(`${name}: ${path} is not there.`, { cause });
  }
}

function byPath(a: ListedFile, b: ListedFile): number {
  return a.path < b.path ? -1 : 1;
}
