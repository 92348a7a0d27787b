import { join } from "node:path";
import { IntegrityError, isError, RemoteError } from "../errors.ts";
import type { Artifacts } from "../ports/step.ts";

/**
 * A layout's layers are compressed already. Kept as long as other results, the first pull request's gigabytes would use up the storage of a
 * private repository.
 */
const bulky = { retentionDays: 3, compressionLevel: 0 };

/** The run's artifacts (@actions/artifact, loaded only where it is used: it is large). What their service refuses is a RemoteError. */
export const artifacts: Artifacts = {
  async upload(name, folder, files, { isBulky = false } = {}) {
    const client = await artifactClient();
    const { artifacts: found } = await asked("listed", () => client.listArtifacts());
    // A name is free once in an attempt of a run. One of an earlier attempt may not be removable, and need not be.
    if (found.some((artifact) => artifact.name === name))
      await client.deleteArtifact(name).catch(() => undefined);
    const paths = files.map((file) => join(folder, file));
    await asked(`uploaded (${name})`, () =>
      client.uploadArtifact(name, paths, folder, isBulky ? bulky : {}),
    );
  },
  async download(isWanted, folder) {
    const client = await artifactClient();
    const { artifacts: found } = await asked("listed", () =>
      client.listArtifacts({ latest: true }),
    );
    const wanted = found.filter(({ name }) => isWanted(name));
    for (const { id, name, digest } of wanted) {
      const { digestMismatch } = await asked(`downloaded (${name})`, () =>
        client.downloadArtifact(id, {
          path: folder,
          ...(digest === undefined ? {} : { expectedHash: digest }),
        }),
      );
      if (digestMismatch)
        throw new IntegrityError(`The artifact ${name} is not what was uploaded (${digest}).`, {
          todo: "Run the stage that uploads it again.",
        });
    }
    return wanted.map(({ name }) => name);
  },
};

const elsewhere =
  "GitHub Enterprise Server, and runners of other makers, have no such artifacts: use stage: all.";

/** What to do about what the client says; it wraps its errors, so that their classes do not tell. */
const todos: readonly (readonly [RegExp, string])[] = [
  [/on GHES/, elsewhere],
  [/storage quota/, "Remove artifacts that nobody needs, or use stage: all, which makes none."],
  [/./, `Run the job again. ${elsewhere}`],
];

async function asked<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const said = String(isError(cause) ? cause.message : cause);
    const todo = todos.find(([pattern]) => pattern.test(said))?.[1] ?? elsewhere;
    throw new RemoteError(`The run's artifacts could not be ${what}.`, { todo, cause });
  }
}

async function artifactClient() {
  // Its unzipping uses a constructor that Node.js warns of, once a download, to people who cannot change that.
  process.noDeprecation = true;
  const { DefaultArtifactClient } = await import("@actions/artifact");
  return new DefaultArtifactClient();
}
