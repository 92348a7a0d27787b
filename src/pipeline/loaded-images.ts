import { type Digest, short } from "../images/digest.ts";
import type { Ports } from "./ports.ts";

/** What a candidate is called in the local Docker. */
export function candidateName(candidate: Digest): string {
  return `director-image-candidate:${short(candidate)}`;
}

/** What the image is called there that one model is mounted from: Docker mounts an image once a container under one name. */
export function modelsName(models: Digest, model: string): string {
  return `director-image-models:${short(models)}-${model}`;
}

/** Names that are ours, without the model: those of one models image stay and go together. */
const ours = /^(director-image-(?:candidate|models)):[0-9a-f]{12}/;

export interface LoadedImage {
  readonly name: string;
  /** When it was tagged last, RFC 3339. */
  readonly tagged: string;
}

/** Those that nobody needs: neither named in `wanted`, nor the newest besides, whose layers the next one shares. Pure. */
export function outdated(
  there: readonly LoadedImage[],
  wanted: readonly string[],
): readonly string[] {
  const kept = new Set(wanted.map(imageOf));
  const left = () => there.filter(({ name }) => ours.test(name) && !kept.has(imageOf(name)));
  // Of each kind the last one stands.
  const newest = new Map(
    left()
      .toSorted((a, b) => Date.parse(a.tagged) - Date.parse(b.tagged))
      .map(({ name }) => [ours.exec(name)?.[1], imageOf(name)]),
  );
  for (const image of newest.values()) kept.add(image);
  return left().map(({ name }) => name);
}

function imageOf(name: string): string {
  return ours.exec(name)?.[0] ?? name;
}

type DockerPorts = Pick<Ports, "exec" | "env" | "log">;

/**
 * Takes away the images that earlier acceptances left in the local Docker, all but the newest of each kind: a machine's disk holds two
 * candidates, however many it accepts. Before others are loaded, so that these find room. What cannot be removed stays.
 */
export async function removeOutdated(
  loading: readonly string[],
  { exec, env, log }: DockerPorts,
): Promise<void> {
  const docker = (...args: readonly string[]) => exec("docker", args, { env });
  const [there, used] = await Promise.all([loadedImages(docker), usedNames(docker)]);
  for (const name of outdated(there, [...loading, ...used])) {
    const { code, stderr } = await docker("image", "rm", name);
    log.info(code === 0 ? `Removed ${name}.` : `${name} stays in Docker: ${stderr.trim()}`);
  }
}

type Docker = (...args: readonly string[]) => ReturnType<Ports["exec"]>;

async function loadedImages(docker: Docker): Promise<readonly LoadedImage[]> {
  const filters = ["candidate", "models"].flatMap((kind) => [
    ...["--filter", `reference=director-image-${kind}`],
  ]);
  const names = await docker(
    ...["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", ...filters],
  );
  const format = '{"tags":{{json .RepoTags}},"tagged":{{json .Metadata.LastTagTime}}}';
  const told = await inspected(docker, "image", format, names.stdout);
  const all = told
    .map((line) => JSON.parse(line) as { tags: readonly string[]; tagged: string })
    .flatMap(({ tags, tagged }) => tags.map((name) => [name, { name, tagged }] as const));
  return [...new Map(all).values()];
}

/** The images that containers of this machine, also stopped ones, were made from or mount. */
async function usedNames(docker: Docker): Promise<readonly string[]> {
  const ids = await docker("container", "ls", "--all", "--quiet", "--no-trunc");
  const format = "{{.Config.Image}}{{range .HostConfig.Mounts}} {{.Source}}{{end}}";
  const told = await inspected(docker, "container", format, ids.stdout);
  return told.flatMap((line) => line.split(" "));
}

/** A line for each of the names; one that was removed meanwhile fails the command, which tells of the others all the same. */
async function inspected(
  docker: Docker,
  kind: "image" | "container",
  format: string,
  names: string,
): Promise<readonly string[]> {
  const all = names.split("\n").filter((name) => name !== "");
  if (all.length === 0) return [];
  const { stdout } = await docker(kind, "inspect", "--format", format, ...all);
  return stdout.split("\n").filter((line) => line !== "");
}
