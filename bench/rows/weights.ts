import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { amount } from "../../src/amount.ts";
import { startBuildkit } from "../buildkit.ts";
import { director } from "../director.ts";
import { measured, type Usage } from "../process.ts";
import { startRegistry } from "../registry.ts";
import {
  type Bench,
  compared,
  type Goal,
  type Measurement,
  measurement,
  type Row,
  type RowResult,
} from "../row.ts";
import { type Scratch, withScratch } from "../scratch.ts";
import { service } from "../services.ts";
import { makeWeights, placeOf, type Weights } from "../weights.ts";

/** Weights from a server to an empty registry, in one file and in four. */
export const weightsRow: Row = {
  name: "weights",
  about: "weights over HTTP to an empty registry: ours, BuildKit ADD, crane, plain copies, sha256",
  measure: async (bench) => {
    const { size } = bench.options;
    const one = await withScratch((scratch) => measure(bench, scratch, [size]));
    const quarter = Math.floor(size / 4);
    const four = [quarter, quarter, quarter, quarter];
    return [one, await withScratch((scratch) => measure(bench, scratch, four))];
  },
};

type Once = () => Promise<Partial<Usage> & { readonly seconds: number }>;

interface Contender {
  readonly name: string;
  /** Once is enough for what takes long. */
  readonly slow?: true;
  readonly once: Once;
}

async function measure(
  { options, say }: Bench,
  scratch: Scratch,
  sizes: readonly number[],
): Promise<RowResult> {
  say(`making ${sizes.length} files of ${amount(sizes[0] ?? 0)}`);
  const weights = await makeWeights(scratch, sizes);
  const contenders = [
    ours(weights, options),
    ...plainCopies(weights),
    ...(await fromDisk(weights, scratch)),
    ...(await adds(weights, scratch)),
  ];
  const runs = new Map<string, Awaited<ReturnType<Once>>[]>();
  for (let round = 1; round <= options.repeat; round += 1) {
    for (const { name, slow, once } of contenders) {
      if (slow && round > 1) continue;
      say(`${name} (${round})`);
      runs.set(name, [...(runs.get(name) ?? []), await once()]);
    }
  }
  const measurements = compared([...runs].map(([name, all]) => measurement(name, all)));
  return {
    row: `weights-${sizes.length}`,
    title: `${amount(weights.size)} of weights in ${sizes.length} file${sizes.length > 1 ? "s" : ""}, from HTTP to an empty registry`,
    measurements,
    goals: goals(measurements),
  };
}

/** Runs something with an empty registry. */
function toRegistry(work: (address: string) => Promise<Usage>): Once {
  return () =>
    withScratch(async (scratch) => {
      const { address } = await startRegistry(scratch);
      return work(address);
    });
}

function ours(weights: Weights, options: Bench["options"]): Contender {
  const once = toRegistry((address) =>
    director({ options }, ["models", "push", "--lock", weights.lock, "--to", `${address}/ours:v1`]),
  );
  return { name: "models push", once };
}

/** What there is no way round: reading the bytes, copying them to the registry by curl, hashing them. */
function plainCopies({ files, folder, url }: Weights): readonly Contender[] {
  const addresses = files.map((file) => `${url}/plain/${placeOf(file)}`);
  const read = ["-fsS", "-Z", ...addresses.flatMap((address) => ["-o", "/dev/null", address])];
  const copy = `set -euo pipefail
put() {
  upload="$(curl -fsS -X POST -D - -o /dev/null "http://$1/v2/plain/blobs/uploads/" | sed -n 's/^[Ll]ocation: *//p' | tr -d '\\r')"
  curl -fsS "$2" | curl -fsS -X PATCH -T - -H 'Content-Type: application/octet-stream' -o /dev/null "$upload"
}
registry="$1"; shift
for address in "$@"; do put "$registry" "$address" & jobs+=("$!"); done
for job in "\${jobs[@]}"; do wait "$job"; done`;
  return [
    { name: "plain HTTP read (curl)", once: () => measured("curl", read) },
    {
      name: "plain HTTP copy, never committed (curl | curl)",
      once: toRegistry((address) => measured("bash", ["-c", copy, "copy", address, ...addresses])),
    },
    {
      name: "sha256 (openssl, one core)",
      once: () =>
        measured("openssl", [
          "dgst",
          "-sha256",
          ...files.map((file) => join(folder, placeOf(file))),
        ]),
    },
  ];
}

/** crane with files that are on this disk already: as tars, and as a finished image layout. */
async function fromDisk(weights: Weights, scratch: Scratch): Promise<readonly Contender[]> {
  const crane = service("TEST_CRANE_BIN");
  const folder = await scratch.folder("tars");
  const tars = weights.files.map((file, at) => {
    const tar = join(folder, `${at}.tar`);
    execFileSync("tar", ["-C", weights.folder, "-cf", tar, placeOf(file)]);
    return tar;
  });
  const layout = await layoutOf(tars, folder);
  const append = (address: string) =>
    measured(crane, ["append", ...tars.flatMap((tar) => ["-f", tar]), "-t", `${address}/crane:v1`]);
  const push = (address: string) => measured(crane, ["push", layout, `${address}/crane:v1`]);
  return [
    { name: "crane append of tars on disk (it compresses)", slow: true, once: toRegistry(append) },
    { name: "crane push of a finished layout on disk", once: toRegistry(push) },
  ];
}

/** An OCI layout of raw layers, made by hand: the least that a program which pushes files has to do. */
async function layoutOf(tars: readonly string[], folder: string): Promise<string> {
  const layout = join(folder, "layout");
  const blobs = join(layout, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const layers = tars.map((tar) => {
    const sha256 = execFileSync("sha256sum", [tar], { encoding: "utf8" }).slice(0, 64);
    execFileSync("ln", [tar, join(blobs, sha256)]);
    const size = Number(execFileSync("stat", ["-c", "%s", tar], { encoding: "utf8" }));
    return {
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest: `sha256:${sha256}`,
      size,
    };
  });
  const put = async (mediaType: string, value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(blobs, sha256), bytes);
    return { mediaType, digest: `sha256:${sha256}`, size: bytes.length };
  };
  const config = await put("application/vnd.oci.image.config.v1+json", {
    ...{ architecture: "amd64", os: "linux" },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await put(mediaType, { schemaVersion: 2, mediaType, config, layers });
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [manifest] }),
  );
  return layout;
}

/** BuildKit's ADD, with the usual compression and without. Its addresses are new each time, so that nothing is cached. */
async function adds(weights: Weights, scratch: Scratch): Promise<readonly Contender[]> {
  const { build } = await startBuildkit(scratch);
  const context = await scratch.folder("context");
  const add = (compression: string) =>
    toRegistry(async (address) => {
      const lines = weights.files.map(
        (file) => `ADD ${weights.url}/${compression}-${Date.now()}/${placeOf(file)} /models/`,
      );
      await writeFile(join(context, "Dockerfile"), ["FROM scratch", ...lines, ""].join("\n"));
      const image = `type=image,name=${address}/add:v1,push=true,oci-mediatypes=true,force-compression=true,compression=${compression}`;
      return build("--no-cache", "--output", image, context);
    });
  return [
    { name: "BuildKit ADD, gzip", slow: true, once: add("gzip") },
    { name: "BuildKit ADD, uncompressed", slow: true, once: add("uncompressed") },
  ];
}

function goals(measurements: readonly Measurement[]): readonly Goal[] {
  const of = (name: string) =>
    measurements.find((one) => one.name.startsWith(name)) ?? { seconds: 0, ratio: 0 };
  const [ours] = measurements;
  const ratio = (name: string) => of(name).ratio ?? 0;
  const reading = Math.max(ratio("plain HTTP read"), ratio("sha256"));
  const copying = Math.max(ratio("plain HTTP copy"), ratio("sha256"));
  const percent = (part: number) => `${Math.round(100 * part)} %`;
  const times = (factor: number) => `${factor.toFixed(1)} ×`;
  const { peakMemory = 0, written = 0 } = ours ?? {};
  return [
    ...["gzip", "uncompressed"].map((compression) => {
      const add = ratio(`BuildKit ADD, ${compression}`);
      const goal = `at least 5 × faster than BuildKit ADD, ${compression}`;
      return { goal, seen: times(add), met: add >= 5 };
    }),
    {
      goal: "no slower than crane append of files on disk",
      seen: times(ratio("crane append")),
      met: ratio("crane append") >= 1,
    },
    {
      goal: "at least 70 % of the slower of a plain HTTP copy to the registry and sha256",
      seen: percent(copying),
      met: copying >= 0.7,
    },
    {
      goal: "the same against a plain HTTP read, which leaves the registry out",
      seen: percent(reading),
      met: reading >= 0.7,
    },
    { goal: "below 300 MB of memory", seen: amount(peakMemory), met: peakMemory < 300e6 },
    { goal: "below 50 MB written by the runner", seen: amount(written), met: written < 50e6 },
  ];
}
