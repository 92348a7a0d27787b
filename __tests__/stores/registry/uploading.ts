import { expect } from "@jest/globals";
import type { BlobSource } from "../../../src/images/blob.ts";
import type { RegistryOptions } from "../../../src/stores/registry/registry-store.ts";
import type { FakeRegistry } from "../../fakes/registry.ts";
import { blob, open, testPorts } from "../ports.ts";

export const size = 5_000_000;
export const uploads = "/blobs/uploads/";

/** Uploads 5 MB of which every read is noted, and checks that the registry has them. */
export async function upload(
  { host, repository }: Pick<FakeRegistry, "host" | "repository">,
  options: RegistryOptions = {},
) {
  const ports = testPorts();
  const { bytes, source, digest } = blob(size);
  const opened: number[] = [];
  const noted: BlobSource = {
    ...source,
    open: (from) => {
      opened.push(from);
      return source.open(from);
    },
  };
  const result = await open(`${host}/nsn/director`, options, ports).putBlob(noted);
  expect(repository("nsn/director").blobs.get(digest)?.equals(bytes)).toBe(true);
  return { result, opened, ports };
}
