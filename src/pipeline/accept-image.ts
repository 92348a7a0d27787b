import { join } from "node:path";
import { containerTarget } from "../acceptance/container-target.ts";
import { findGpus } from "../acceptance/gpus.ts";
import { type Acceptance, accept } from "../acceptance/run.ts";
import type { AcceptanceInputs } from "../config/config.ts";
import { type Digest, short } from "../images/digest.ts";
import { isIndex, parseIndex, parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import { type Platform, platformName } from "../images/platform.ts";
import { filesOf, type Lock, type LockedModel } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import type { AcceptResult } from "../results/stages.ts";
import { roomFor } from "./docker-room.ts";
import { loadImage } from "./load.ts";
import type { Ports } from "./ports.ts";

export interface Candidate {
  readonly store: Store;
  /** Of its index, or of one platform's manifest. */
  readonly digest: Digest;
  /** Undefined: an image that knows no models. */
  readonly lock: Lock | undefined;
  /** Models that are not baked: they are mounted from the models image. */
  readonly mounted: readonly LockedModel[];
  /** The models image, where it was written. */
  readonly models: { readonly store: Store; readonly digest: Digest } | undefined;
  /** Bytes of the runtime's layers, where the build told them. */
  readonly runtimeBytes: (platform: Platform) => number | undefined;
}

/** Brings a candidate into the local Docker and accepts it there, on this machine's platform. What stands in the way is a skipped result, not an error. */
export async function acceptImage(
  candidate: Candidate,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<AcceptResult> {
  const { digest, store } = candidate;
  const server = await dockerPlatform(ports);
  const platform = server.platform ?? "";
  const skipped = (reason: string): AcceptResult => ({
    ...{ digest, platform, target: "container", verdict: "skipped", reason, checks: [] },
  });
  if (server.platform === undefined) return skipped(`no Docker engine here: ${server.why}`);
  const found = await layersFor(server.platform, store, digest);
  if (found === undefined) return skipped(`the image is not for ${platform}`);
  const absent = await missing(found, store);
  if (absent > 0) return skipped(`weights not published: ${absent} layers are not there`);
  const room = await roomFor(found, ports);
  if (room !== undefined) return skipped(room);
  const name = `director-image-candidate:${short(digest)}`;
  await ports.log.group(`Load ${name}`, () => loadImage(store, digest, name, ports));
  const mounts = await mountsOf(candidate, ports);
  const acceptance = await acceptContainer(name, mounts, candidate, platform, inputs, ports);
  return { digest, platform, ...acceptance };
}

async function acceptContainer(
  image: string,
  mounts: readonly string[],
  { lock, runtimeBytes, models }: Candidate,
  platform: Platform,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<Acceptance> {
  const { memory, cpus, gpu } = inputs;
  const id = Math.floor(ports.clock.random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
  const gpus = gpu !== "off" && (await findGpus(ports.exec)).gpus !== undefined;
  const root = lock?.root ?? "/models";
  const target = await containerTarget(
    { ...{ image, id, root, gpus, mounts, cpus, env: ports.env }, memoryBytes: memory },
    ports,
  );
  return accept(
    target,
    {
      expected: {
        titles: lock?.models.map(({ title }) => title) ?? [],
        weights: new Map(
          filesOf(lock?.models ?? []).map(({ id: path, file }) => [path, file.sha256]),
        ),
        runtimeBytes: runtimeBytes(platform),
        labels: models === undefined ? [] : [names.models],
      },
      ...acceptOptions(inputs, ports.home),
    },
    ports,
  );
}

/** What the inputs say, in the words of acceptance. Pure. */
export function acceptOptions(inputs: AcceptanceInputs, home: string) {
  return {
    limits: {
      startupSeconds: inputs.startupTimeout,
      shutdownSeconds: inputs.shutdownTimeout,
      vramBytes: inputs.maxVram,
      imageBytes: inputs.maxImageSize,
      driver: inputs.minDriver,
      memoryBytes: inputs.memory,
      cpus: inputs.cpus,
      slots: inputs.slots,
    },
    gpu: inputs.gpu,
    chainUrl: inputs.chainUrl,
    protos: join(home, "director", "proto"),
  };
}

/** The platform of the containers that Docker runs here. */
async function dockerPlatform({
  exec,
  env,
}: Pick<Ports, "exec" | "env">): Promise<{ platform?: Platform; why: string }> {
  const format = "{{.Server.Os}}/{{.Server.Arch}}";
  try {
    const { code, stdout, stderr } = await exec("docker", ["version", "--format", format], { env });
    return code === 0
      ? { platform: stdout.trim(), why: "" }
      : { why: stderr.trim().split("\n").at(-1) ?? "" };
  } catch {
    return { why: "there is no docker command" };
  }
}

interface Layer {
  readonly digest: Digest;
  readonly size: number;
}

/** The layers of the image for a platform. */
async function layersFor(
  platform: Platform,
  store: Store,
  reference: Digest,
): Promise<readonly Layer[] | undefined> {
  const top = await store.readManifest(reference);
  if (top === undefined || !isIndex(top)) return top && parseManifest(top).layers;
  const one = parseIndex(top).manifests.find(
    (entry) => entry.platform !== undefined && platformName(entry.platform) === platform,
  );
  const manifest = one && (await store.readManifest(one.digest));
  return manifest && parseManifest(manifest).layers;
}

async function missing(layers: readonly Layer[], store: Store): Promise<number> {
  const there = await Promise.all(layers.map(({ digest }) => store.blobSize(digest)));
  return there.filter((size) => size === undefined).length;
}

/** Arguments of `docker run` for models that are not baked: one mount each, or one at the root where nothing is baked. */
async function mountsOf(
  { lock, mounted, models }: Candidate,
  ports: Ports,
): Promise<readonly string[]> {
  if (lock === undefined || mounted.length === 0 || models === undefined) return [];
  const name = `director-image-models:${short(models.digest)}`;
  await ports.log.group(`Load ${name}`, () => loadImage(models.store, models.digest, name, ports));
  const mount = (below: string) =>
    `type=image,source=${name},target=${lock.root}${below},image-subpath=${lock.root.slice(1)}${below}`;
  const all = mounted.length === lock.models.length;
  const places = all ? [""] : mounted.map((model) => `/${model.name}`);
  return places.flatMap((below) => ["--mount", mount(below)]);
}
