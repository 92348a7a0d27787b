import { amount } from "../../src/amount.ts";
import { measured, writtenBy } from "../process.ts";
import type { Registry } from "../registry.ts";
import { documents, type ImageManifest, isWeights, Repository } from "../registry-reader.ts";
import { type Bench, compared, type Measurement, type Row, type RowResult } from "../row.ts";
import { type Scratch, withScratch } from "../scratch.ts";
import { service, servicePid } from "../services.ts";
import { makeWeights } from "../weights.ts";
import { openWorkspace } from "../workspace.ts";

export const updateRow: Row = {
  name: "update",
  about:
    "an operator's update, weights below and on top of the runtime, on both of Docker's stores",
  measure: (bench) => withScratch((scratch) => measure(bench, scratch)),
};

const image = "director";

async function measure(outer: Bench, scratch: Scratch): Promise<readonly RowResult[]> {
  const bench = { ...outer, scratch };
  const { say, options } = bench;
  const { registry, workspace } = await openWorkspace(bench, Math.ceil(options.size / 32));
  say("making two versions, with the weights below and on top");
  const weights = await makeWeights(scratch, [options.size * 0.5, options.size * 0.25]);
  const repository = new Repository(registry.address, image);
  for (const tag of ["v1", "v2"]) {
    await workspace.change();
    await workspace.run(weights, image, tag, "linux/amd64");
    await putOnTop(repository, tag, `${tag}-on-top`);
  }
  const changed = await changedBytes(repository);
  const stores = [
    { store: "containerd", host: service("DOCKER_HOST"), name: "main" },
    { store: "classic", host: service("TEST_CLASSIC_DOCKER_HOST"), name: "classic" },
  ];
  const rows: RowResult[] = [];
  for (const { store, host, name } of stores) {
    say(`updates on the ${store} store`);
    const engine = { host, processes: [servicePid(host, name), servicePid(host, "containerd")] };
    const below = await update(registry, engine, "");
    const onTop = await update(registry, engine, "-on-top");
    rows.push({
      row: `update-${store}`,
      title: `Operator's update on Docker's ${store} store: ${amount(changed)} of ${amount(weights.size + changed)} changed`,
      measurements: compared([below, onTop]),
      goals: goals(below, changed),
    });
  }
  return rows;
}

interface Engine {
  readonly host: string;
  /** The processes that write what is pulled. */
  readonly processes: readonly number[];
}

/** Pulls the first version, then measures how the second one comes. */
async function update(
  registry: Registry,
  { host, processes }: Engine,
  suffix: string,
): Promise<Measurement> {
  const reference = (tag: string) => `${registry.address}/${image}:${tag}${suffix}`;
  const docker = (...args: readonly string[]) => measured("docker", ["--host", host, ...args]);
  const written = () => processes.reduce((sum, pid) => sum + writtenBy(pid), 0);
  const pulled: string[] = [];
  const pull = async (tag: string) => {
    pulled.push(reference(tag));
    return docker("pull", "--quiet", reference(tag));
  };
  try {
    await pull("v1");
    await registry.accesses();
    const before = written();
    const { seconds } = await pull("v2");
    const bytes = (await registry.accesses()).filter(({ method }) => method === "GET");
    return {
      name: suffix === "" ? "weights below the runtime" : "weights on top of the runtime",
      seconds,
      runs: [seconds],
      written: written() - before,
      downloaded: bytes.reduce((sum, access) => sum + access.bytes, 0),
      requests: bytes.length,
    };
  } finally {
    await docker("rmi", "--force", ...pulled);
  }
}

/** The same image with the order of its layers turned: the runtime's first, then the weights, as `COPY --link` of them at the end makes it. */
async function putOnTop(repository: Repository, tag: string, to: string): Promise<void> {
  const manifest = await repository.manifest(tag);
  const config = (await repository.config(manifest.config.digest)) as {
    readonly rootfs: { readonly diff_ids: readonly string[] };
    readonly history?: unknown;
  };
  const { history, ...rest } = config;
  const pairs = manifest.layers.map((layer, at) => ({ layer, id: config.rootfs.diff_ids[at] }));
  const turned = [
    ...pairs.filter(({ layer }) => !isWeights(layer)),
    ...pairs.filter(({ layer }) => isWeights(layer)),
  ];
  const rootfs = { ...config.rootfs, diff_ids: turned.map(({ id }) => id) };
  const layers = turned.map(({ layer }) => layer);
  await repository.putImage(to, { ...rest, rootfs }, { ...manifest, layers });
}

/** Bytes of the layers that the second version does not share with the first. */
async function changedBytes(repository: Repository): Promise<number> {
  const before = new Set((await layersOf(repository, "v1")).map(({ digest }) => digest));
  const after = await layersOf(repository, "v2");
  return after.filter(({ digest }) => !before.has(digest)).reduce((sum, { size }) => sum + size, 0);
}

async function layersOf(repository: Repository, tag: string): Promise<ImageManifest["layers"]> {
  return (await repository.manifest(tag)).layers;
}

function goals({ downloaded = 0, written = 0 }: Measurement, changed: number) {
  return [
    {
      goal: "downloads the changed runtime layers only",
      seen: `${amount(downloaded)} of ${amount(changed)}`,
      met: downloaded <= changed + documents,
    },
    {
      goal: "writes at most twice their size",
      seen: `${(written / changed).toFixed(2)} ×`,
      met: written <= 2 * changed,
    },
  ];
}
