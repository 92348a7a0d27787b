import { containerTarget } from "../acceptance/container-target.ts";
import { gpusFor } from "../acceptance/gpus.ts";
import { type Acceptance, accept } from "../acceptance/run.ts";
import type { Expected } from "../acceptance/world.ts";
import type { AcceptanceInputs } from "../config/config.ts";
import type { Descriptor } from "../images/descriptor.ts";
import type { Digest } from "../images/digest.ts";
import { parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import type { Platform } from "../images/platform.ts";
import type { Lock } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import { randomId } from "../random-id.ts";
import type { AcceptResult } from "../results/stages.ts";
import { acceptOptions, type Promised } from "./accept-options.ts";
import { type DockerEngine, dockerEngine } from "./docker-engine.ts";
import { roomFor } from "./docker-room.ts";
import { loadImage } from "./load.ts";
import { candidateName, modelsName, removeOutdated } from "./loaded-images.ts";
import { type ModelsImage, modelsImageOf, mountedModels, mountOf } from "./mounted-models.ts";
import type { Ports } from "./ports.ts";
import { type ReadRuntime, readRuntime, runtimePlatforms } from "./runtime-images.ts";

export interface Candidate {
  readonly store: Store;
  /** Of its index, or of one platform's manifest. */
  readonly digest: Digest;
  /** What it carries; undefined: an image that knows no models. */
  readonly lock: Lock | undefined;
  /** What it must say of itself on a platform, beside its models; undefined: nobody knows. */
  readonly promised?: ((platform: Platform) => Promised) | undefined;
}

/** Brings a candidate into the local Docker and accepts it there, on this machine's platform. What stands in the way is a skipped result, not an error. */
export async function acceptImage(
  candidate: Candidate,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<AcceptResult> {
  const { digest, store } = candidate;
  const engine = await dockerEngine(ports);
  const platform = typeof engine === "string" ? "" : engine.platform;
  const ready =
    typeof engine === "string"
      ? `no Docker engine that can be used: ${engine}`
      : await readyToLoad(candidate, engine, ports);
  if (typeof engine === "string" || typeof ready === "string")
    return {
      ...{ digest, platform, target: "container", verdict: "skipped" },
      ...{ reason: String(ready), checks: [] },
    };
  const image = await load(candidateName(digest), { store, digest }, ports);
  const mounts: string[] = [];
  for (const { model, root, from, name } of ready.mounted)
    mounts.push(mountOf(model, root, await load(name, from, ports)));
  const fitting = { ...inputs, cpus: fittingCpus(inputs.cpus, engine, ports) };
  const { lock } = candidate;
  const { labels = [], annotations: wanted = [] } = candidate.promised?.(platform) ?? {};
  const said = { labels, annotations: { wanted, there: ready.annotations } };
  return {
    ...{ digest, platform },
    ...(await acceptContainer({ image, mounts, lock, said }, fitting, ports)),
  };
}

/** The first Docker that mounts images. */
const mountingVersion = 28;

interface Ready {
  /** Of the platform's manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Models that are not in the image, and the image that has them. */
  readonly mounted: readonly {
    readonly model: string;
    readonly root: string;
    readonly from: ModelsImage;
    /** In the local Docker. */
    readonly name: string;
  }[];
}

/** What a run needs besides the image, with room made for both; a string says why it cannot be run here. */
async function readyToLoad(
  { digest, store, lock }: Candidate,
  engine: DockerEngine,
  ports: Ports,
): Promise<Ready | string> {
  const image = await imageFor(engine.platform, { store, digest });
  if (image === undefined) return `the image is not for ${engine.platform}`;
  const mounted = mountedModels(lock, layersOf(image));
  const label = image.image.config.config?.Labels?.[names.models] ?? "";
  const models = mounted.length === 0 ? undefined : modelsImageOf(label, store, ports);
  if (mounted.length > 0 && models === undefined)
    return `weights not published: there is no models image to mount ${mounted.join(", ")} from`;
  if (mounted.length > 0 && Number.parseInt(engine.version, 10) < mountingVersion)
    return `Docker ${engine.version} cannot mount models from an image, ${mountingVersion} can`;
  if (models !== undefined && (await models.store.manifestDigest(models.digest)) === undefined)
    return `weights not published: ${models.store.name} has no models image ${models.digest}`;
  const weights = models && (await imageFor(engine.platform, models));
  const pulled = [image, ...(weights === undefined ? [] : [weights])];
  const absent = (await Promise.all(pulled.map(missing))).reduce((sum, count) => sum + count, 0);
  if (absent > 0) return `weights not published: ${absent} layers are not there`;
  const diffIds = ({ image: { config, manifest } }: ReadRuntime) =>
    parseManifest(manifest).layers.map(({ size, digest }, at) => ({
      ...{ size, diffId: config.rootfs.diff_ids[at] ?? digest },
    }));
  const root = lock?.root ?? "/models";
  const mounting = models
    ? mounted.map((model) => ({
        model,
        root,
        from: models,
        name: modelsName(models.digest, model),
      }))
    : [];
  await removeOutdated([candidateName(digest), ...mounting.map(({ name }) => name)], ports);
  const full = await roomFor(pulled.map(diffIds), engine, ports);
  if (full !== undefined) return full;
  const { annotations = {} } = parseManifest(image.image.manifest);
  return { annotations, mounted: mounting };
}

/** The image for a platform; undefined where it is for others only. */
async function imageFor(
  platform: Platform,
  { store, digest }: ModelsImage,
): Promise<ReadRuntime | undefined> {
  const images = await runtimePlatforms(digest, store);
  const one = images.find((image) => image.platform === platform);
  return one && readRuntime(one);
}

/** How many of its layers its store lacks. */
async function missing({ store, image }: ReadRuntime): Promise<number> {
  const sizes = await Promise.all(layersOf({ image }).map(({ digest }) => store.blobSize(digest)));
  return sizes.filter((size) => size === undefined).length;
}

function layersOf({ image }: Pick<ReadRuntime, "image">): readonly Descriptor[] {
  return parseManifest(image.manifest).layers;
}

async function load(name: string, { store, digest }: ModelsImage, ports: Ports): Promise<string> {
  await ports.log.group(`Load ${name}`, () => loadImage(store, digest, name, ports));
  return name;
}

/** Docker refuses a container that wants more processors than its machine has. */
function fittingCpus(wanted: number, { cpus }: DockerEngine, { log }: Pick<Ports, "log">): number {
  if (wanted > cpus)
    log.info(`acceptance-cpus: ${wanted} are wanted, this machine has ${cpus}: it gets ${cpus}.`);
  return Math.min(wanted, cpus);
}

interface Loaded {
  readonly image: string;
  readonly mounts: readonly string[];
  readonly lock: Lock | undefined;
  readonly said: Pick<Expected, "labels" | "annotations">;
}

async function acceptContainer(
  { image, mounts, lock, said }: Loaded,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<Acceptance> {
  const { memory: memoryBytes, cpus } = inputs;
  const gpus = await gpusFor(inputs.gpu, ports.exec);
  const target = await containerTarget(
    {
      ...{ image, mounts, memoryBytes, cpus, env: ports.env, root: lock?.root ?? "/models" },
      id: randomId(ports.clock),
      gpus: gpus !== undefined,
    },
    ports,
  );
  const options = { ...acceptOptions({ lock, said }, inputs, ports.home), gpus };
  return accept(target, options, ports);
}
