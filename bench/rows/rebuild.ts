import { amount } from "../../src/amount.ts";
import { Repository } from "../registry-reader.ts";
import { type Bench, compared, measurement, type Row, type RowResult } from "../row.ts";
import { type Scratch, withScratch } from "../scratch.ts";
import { makeWeights } from "../weights.ts";
import { openWorkspace, type Ran, readOnce } from "../workspace.ts";

export const rebuildRow: Row = {
  name: "rebuild",
  about:
    "a rebuild in which nothing, and one in which the runtime changed; BuildKit alone beside it",
  measure: (bench) => withScratch((scratch) => measure(bench, scratch)),
};

const platforms = "linux/amd64,linux/arm64";

async function measure(outer: Bench, scratch: Scratch): Promise<readonly RowResult[]> {
  const bench = { ...outer, scratch };
  const { say, options } = bench;
  const payload = Math.ceil(options.size / 16);
  const { registry, workspace } = await openWorkspace(bench, payload);
  say("making weights");
  const many = await makeWeights(scratch, [Math.ceil(options.size / 2)]);
  const few = await makeWeights(scratch, [Math.ceil(options.size / 16)]);
  say("first build, and the same again");
  const rebuilt = async (weights: typeof many, image: string) => {
    await workspace.run(weights, image, "latest", platforms);
    return workspace.run(weights, image, "latest", platforms);
  };
  const small = await rebuilt(few, "few/director");
  const large = await rebuilt(many, "many/director");
  say("the usual Dockerfile by BuildKit alone, and the same again");
  await workspace.usual(many, "usual");
  const usualAgain = await workspace.usual(many, "usual");
  say("another runtime");
  await workspace.change();
  const changed = await workspace.run(many, "many/director", "latest", platforms);
  const reading = await readOnce(await newLayers(registry.address, large, changed));
  const usualChanged = await workspace.usual(many, "usual");

  const unchangedRows = compared([
    ours(`beside BuildKit, ${amount(many.size)} of weights`, large),
    ours(`beside BuildKit, ${amount(few.size)} of weights`, small),
    measurement("the whole run, BuildKit included", [{ seconds: large.usage.seconds }]),
    measurement("BuildKit alone, weights in the Dockerfile", [{ seconds: usualAgain.seconds }]),
  ]);
  const beside = changed.besideBuildkit - reading.seconds;
  return [
    {
      row: "rebuild-unchanged",
      title: "Rebuild for two platforms in which nothing changed",
      measurements: unchangedRows,
      goals: [
        noWeights(large),
        {
          goal: "below 5 s without BuildKit",
          seen: `${large.besideBuildkit.toFixed(2)} s`,
          met: large.besideBuildkit < 5,
        },
        {
          goal: "requests do not grow with the size of the weights",
          seen: `${large.accesses.length} and ${small.accesses.length}`,
          met: large.accesses.length === small.accesses.length,
        },
      ],
    },
    {
      row: "rebuild-runtime",
      title: `Rebuild in which ${amount(payload)} of the runtime changed, ${amount(many.size)} of weights`,
      measurements: compared([
        ours("beside BuildKit", changed),
        measurement("reading the new layers once (curl | gzip -d)", [{ seconds: reading.seconds }]),
        measurement("the whole run, BuildKit included", [{ seconds: changed.usage.seconds }]),
        measurement("BuildKit alone, weights in the Dockerfile", [
          { seconds: usualChanged.seconds },
        ]),
      ]),
      goals: [
        noWeights(changed),
        {
          goal: "at most 5 s besides BuildKit and reading the new layers once",
          seen: `${beside.toFixed(2)} s`,
          met: beside <= 5,
        },
      ],
    },
  ];
}

function ours(name: string, { besideBuildkit, accesses }: Ran) {
  return measurement(name, [{ seconds: besideBuildkit, requests: accesses.length }]);
}

/** By the program's word and by the registry's log. */
function noWeights({ results: { models }, accesses }: Ran) {
  const moved = (models?.bytesUploaded ?? Number.NaN) + (models?.bytesRead ?? Number.NaN);
  const uploads = accesses.filter(({ method }) => method === "PATCH").length;
  return {
    goal: "0 bytes of weights",
    seen: `${moved} bytes, ${uploads} uploads`,
    met: moved === 0 && uploads === 0,
  };
}

/** The layers that BuildKit made anew, each once. */
async function newLayers(address: string, before: Ran, after: Ran): Promise<readonly string[]> {
  const repository = new Repository(address, "many/director");
  const digests = async ({ results }: Ran) => {
    const found = new Set<string>();
    for (const { digest } of results.assemble?.platforms ?? [])
      for (const layer of (await repository.manifest(digest)).layers) found.add(layer.digest);
    return found;
  };
  const old = await digests(before);
  return [...(await digests(after))]
    .filter((digest) => !old.has(digest))
    .map((digest) => repository.blobUrl(digest));
}
