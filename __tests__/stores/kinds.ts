import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
import type { Store } from "../../src/ports/store.ts";
import { startRegistry } from "../fakes/registry.ts";
import { startRegistryProcess } from "../fakes/registry-process.ts";
import { open } from "./ports.ts";

export interface Place {
  /** Where a repository of that name is. */
  at(name: string): string;
  close(): Promise<void>;
}

const registry = async (running: Promise<{ host: string; close(): Promise<void> }>) => {
  const { host, close } = await running;
  return { at: (name: string) => `${host}/${name}`, close };
};

const layouts = async (): Promise<Place> => {
  const folder = await mkdtemp(join(tmpdir(), "layouts-"));
  const close = () => rm(folder, { recursive: true, force: true });
  return { at: (name) => `oci:${join(folder, name)}`, close };
};

interface Kind {
  readonly mounts: boolean;
  readonly removesTags: boolean;
  readonly checksManifests: boolean;
}

const all = { mounts: true, removesTags: true, checksManifests: true };
/** Every kind of store, with what it can. */
export const kinds: readonly (readonly [string, Kind, () => Promise<Place>])[] = [
  ["distribution 3", all, () => registry(startRegistryProcess())],
  [
    "distribution 2.8",
    { ...all, removesTags: false },
    () => registry(startRegistryProcess({ variable: "TEST_OLD_REGISTRY_BIN" })),
  ],
  ["the registry of the tests", all, () => registry(startRegistry())],
  [
    "the registry of the tests with an API for referrers",
    all,
    () => registry(startRegistry({ referrers: true })),
  ],
  ["a layout on disk", { mounts: false, removesTags: true, checksManifests: false }, layouts],
];

/** A place of a kind for a group of tests, and a store in it. */
export function placed(start: () => Promise<Place>): Pick<Place, "at"> & { readonly store: Store } {
  let place: Place;
  let store: Store;
  beforeAll(async () => {
    place = await start();
    store = open(place.at("nsn/director"));
  });
  afterAll(() => place?.close());
  return {
    at: (name) => place.at(name),
    get store() {
      return store;
    },
  };
}
