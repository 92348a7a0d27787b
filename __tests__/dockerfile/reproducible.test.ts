import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build, buildTimeout } from "./docker.ts";
import { ownCache, writeWorkspace } from "./workspace.ts";

/** Everything but the bases is made anew; a clean build empties Cargo's caches, too. */
const afresh = [...ownCache, "--no-cache-filter", "manifests,builder,environment,vortex,runtime"];

describe("Two builds of one source", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "reproducible-"));
    await writeWorkspace(join(folder, "workspace")); // small crates: two clean builds of libp2p take a quarter of an hour
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** Layers of the runtime, built as the pipeline does. */
  async function layers(name: string): Promise<readonly string[]> {
    const layout = join(folder, name);
    const output = `type=oci,dest=${layout},tar=false,oci-mediatypes=true,rewrite-timestamp=true,source-date-epoch=315532800`;
    await build(
      join(folder, "workspace"),
      ...["--target", "runtime", "--platform", "linux/amd64", "--provenance", "false"],
      ...["--build-arg", "DIRECTOR_SOURCE=.", "--build-context", "vortex-source=vortex"],
      ...["--build-arg", "SOURCE_DATE_EPOCH=1700000000", ...afresh, "--output", output],
    );
    const read = async (digest: string) =>
      JSON.parse(await readFile(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
    const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
    const manifest = await read(index.manifests[0].digest);
    return [
      ...(await read(manifest.config.digest)).rootfs.diff_ids,
      `manifest ${index.manifests[0].digest}`,
    ];
  }

  it(
    "give the same bytes",
    async () => {
      expect(await layers("second")).toEqual(await layers("first"));
    },
    2 * buildTimeout,
  );
});
