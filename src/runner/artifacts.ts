import { join } from "node:path";
import type { Artifacts } from "../ports/step.ts";

/** The run's artifacts (@actions/artifact, loaded only where it is used: it is large). */
export const artifacts: Artifacts = {
  async upload(name, folder, files) {
    const client = await artifactClient();
    await client.deleteArtifact(name).catch(() => undefined);
    await client.uploadArtifact(
      name,
      files.map((file) => join(folder, file)),
      folder,
    );
  },
  async download(prefix, folder) {
    const client = await artifactClient();
    const { artifacts: found } = await client.listArtifacts({ latest: true });
    const wanted = found.filter(({ name }) => name.startsWith(prefix));
    for (const { id } of wanted) await client.downloadArtifact(id, { path: folder });
    return wanted.map(({ name }) => name);
  },
};

async function artifactClient() {
  const { DefaultArtifactClient } = await import("@actions/artifact");
  return new DefaultArtifactClient();
}
