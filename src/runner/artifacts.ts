import { join } from "node:path";
import { IntegrityError } from "../errors.ts";
import type { Artifacts } from "../ports/step.ts";

/** The run's artifacts (@actions/artifact, loaded only where it is used: it is large). */
export const artifacts: Artifacts = {
  async upload(name, folder, files) {
    const client = await artifactClient();
    const { artifacts: found } = await client.listArtifacts();
    // A name is free once in an attempt of a run. One of an earlier attempt may not be removable, and need not be.
    if (found.some((artifact) => artifact.name === name))
      await client.deleteArtifact(name).catch(() => undefined);
    await client.uploadArtifact(
      name,
      files.map((file) => join(folder, file)),
      folder,
    );
  },
  async download(isWanted, folder) {
    const client = await artifactClient();
    const { artifacts: found } = await client.listArtifacts({ latest: true });
    const wanted = found.filter(({ name }) => isWanted(name));
    for (const { id, name, digest } of wanted) {
      const { digestMismatch } = await client.downloadArtifact(id, {
        path: folder,
        ...(digest === undefined ? {} : { expectedHash: digest }),
      });
      if (digestMismatch)
        throw new IntegrityError(`The artifact ${name} is not what was uploaded (${digest}).`, {
          todo: "Run the stage that uploads it again.",
        });
    }
    return wanted.map(({ name }) => name);
  },
};

async function artifactClient() {
  // Its unzipping uses a constructor that Node.js warns of, once a download, to people who cannot change that.
  process.noDeprecation = true;
  const { DefaultArtifactClient } = await import("@actions/artifact");
  return new DefaultArtifactClient();
}
