import { UsageError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Fetch } from "../../ports/fetch.ts";
import type { Files } from "../../ports/files.ts";
import type { LockedModel } from "../lock.ts";
import { filePlace } from "./file-place.ts";
import { httpPlace } from "./http-place.ts";
import type { Place, WantedFile } from "./place.ts";

/** The hub that `huggingface` sources are on. */
export interface HubSettings {
  /** `https://huggingface.co`, or what HF_ENDPOINT says. */
  readonly endpoint: URL;
  /** For gated repositories; sent to the endpoint's own host only. */
  readonly token?: string | undefined;
}

export interface PlacePorts {
  readonly fetch: Fetch;
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "open">;
  readonly hub: HubSettings;
  /** Longest silence of a source in milliseconds; 120,000 by default. */
  readonly idleTimeout?: number | undefined;
}

/** Where a model's file may be had: its source, then its mirrors. */
export function placesOf(
  { source, mirrors = [] }: Pick<LockedModel, "source" | "mirrors">,
  path: string,
  file: WantedFile,
  ports: PlacePorts,
): readonly Place[] {
  const from =
    "url" in source
      ? folderPlace(source.url, path, file, ports)
      : hubPlace(source, path, file, ports);
  return [from, ...mirrors.map((mirror) => folderPlace(mirror, path, file, ports, "the mirror "))];
}

function hubPlace(
  { huggingface, revision }: { huggingface: string; revision: string },
  path: string,
  file: WantedFile,
  { hub, idleTimeout, ...ports }: PlacePorts,
): Place {
  const url = below(
    hub.endpoint.href,
    `${huggingface}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`,
  );
  return httpPlace(
    {
      name: "the hub",
      url,
      token: hub.token,
      idleTimeout,
      file,
      access: accessTo(huggingface, hub),
    },
    ports,
  );
}

function folderPlace(
  folder: string,
  path: string,
  file: WantedFile,
  { idleTimeout, ...ports }: PlacePorts,
  prefix = "",
): Place {
  const url = addressBelow(folder, path);
  if (url.protocol === "file:") return filePlace(url, file, ports.files);
  return httpPlace(
    { name: `${prefix}${url.origin}${url.pathname}`, url, idleTimeout, file },
    ports,
  );
}

/** Where a hub tells what a repository has at a revision, with sizes and the sha256 of Git LFS objects. */
export function apiAddress({ endpoint }: HubSettings, repository: string, revision: string): URL {
  return below(
    endpoint.href,
    `api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`,
  );
}

/** The address of a path below a folder's address. */
export function addressBelow(folder: string, path: string): URL {
  return below(folder, encodePath(path));
}

/** What to do about a repository that its hub does not show to everybody. */
export function accessTo(repository: string, { endpoint, token }: HubSettings): string {
  const page = below(endpoint.href, repository).href;
  return token === undefined
    ? `If ${page} exists, it is gated or private: accept its terms there, then give a token that may read it (input or flag hub-token, or the variable HF_TOKEN).`
    : `Accept the terms at ${page} with the account of the token (hub-token, or HF_TOKEN), or give one that may read it.`;
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function below(folder: string, path: string): URL {
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  if (!URL.canParse(path, base)) throw new UsageError(`"${folder}" is not an address.`);
  return new URL(`${base}${path}`);
}
