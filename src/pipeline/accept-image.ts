import { join } from "node:path";
import { containerTarget } from "../acceptance/container-target.ts";
import { gpusFor } from "../acceptance/gpus.ts";
import { type Acceptance, type AcceptOptions, accept } from "../acceptance/run.ts";
import type { AcceptanceInputs } from "../config/config.ts";
import type { Descriptor } from "../images/descriptor.ts";
import { type Digest, short } from "../images/digest.ts";
import { parseManifest } from "../images/manifest.ts";
import { names } from "../images/names.ts";
import type { Platform } from "../images/platform.ts";
import { filesOf, type Lock } from "../models/lock.ts";
import type { Store } from "../ports/store.ts";
import { randomId } from "../random-id.ts";
import type { AcceptResult } from "../results/stages.ts";
import { roomFor } from "./docker-room.ts";
import { loadImage } from "./load.ts";
import type { Ports } from "./ports.ts";
import { runtimePlatforms } from "./runtime-images.ts";

export interface Candidate {
  readonly store: Store;
  /** Of its index, or of one platform's manifest. */
  readonly digest: Digest;
  /** What it carries; undefined: an image that knows no models. */
  readonly lock: Lock | undefined;
}

/** Brings a candidate into the local Docker and accepts it there, on this machine's platform. What stands in the way is a skipped result, not an error. */
export async function acceptImage(
  candidate: Candidate,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<AcceptResult> {
  const { digest, store, lock } = candidate;
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
  return { digest, platform, ...(await acceptContainer(name, lock, inputs, ports)) };
}

async function acceptContainer(
  image: string,
  lock: Lock | undefined,
  inputs: AcceptanceInputs,
  ports: Ports,
): Promise<Acceptance> {
  const { memory: memoryBytes, cpus } = inputs;
  const gpus = await gpusFor(inputs.gpu, ports.exec);
  const target = await containerTarget(
    {
      ...{ image, memoryBytes, cpus, env: ports.env, root: lock?.root ?? "/models" },
      id: randomId(ports.clock),
      gpus: gpus !== undefined,
    },
    ports,
  );
  return accept(target, { ...acceptOptions(lock, inputs, ports.home), gpus }, ports);
}

/** What the lock and the inputs say, in the words of acceptance. Pure. */
export function acceptOptions(
  lock: Lock | undefined,
  inputs: AcceptanceInputs,
  home: string,
): Omit<AcceptOptions, "gpus"> {
  const models = lock?.models ?? [];
  return {
    expected: {
      titles: models.map(({ title }) => title),
      weights: new Map(filesOf(models).map(({ id, file }) => [id, file.sha256])),
      labels: lock === undefined ? [] : [names.models],
    },
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

/** The layers of the image for a platform; undefined where it has none. */
async function layersFor(
  platform: Platform,
  store: Store,
  reference: Digest,
): Promise<readonly Descriptor[] | undefined> {
  const images = await runtimePlatforms(reference, store);
  const one = images.find((image) => image.platform === platform);
  const manifest = one && (await store.readManifest(one.digest));
  return manifest && parseManifest(manifest).layers;
}

async function missing(layers: readonly Descriptor[], store: Store): Promise<number> {
  const there = await Promise.all(layers.map(({ digest }) => store.blobSize(digest)));
  return there.filter((size) => size === undefined).length;
}
