import { join, resolve } from "node:path";
import { amount } from "../amount.ts";
import type { Facts } from "../config/facts.ts";
import { UsageError } from "../errors.ts";
import { parsePlace } from "../images/reference.ts";
import type { Lock } from "../models/lock.ts";
import { parseLock } from "../models/lock-parse.ts";
import { formatLock } from "../models/lock-text.ts";
import { pushModels } from "../models/push.ts";
import type { Log } from "../ports/log.ts";
import type { ModelsResult, PrepareResult } from "../results/stages.ts";
import { countRequests } from "../stores/count-requests.ts";
import { forgiving } from "./forgiving.ts";
import { canMount } from "./mount.ts";
import { needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import type { Stage } from "./stage.ts";

type Trust = Pick<Facts, "untrusted">;

/** Makes sure that the weights are where the plan wants them, and leaves the lock with its layers in the results folder. */
export async function modelsStage(
  { config, facts, results }: Pick<Stage, "config" | "results"> & { readonly facts: Trust },
  ports: Ports,
): Promise<ModelsResult> {
  const plan = needed(results, "prepare");
  if (plan.models.lock === "") {
    ports.log.info("No models: the image is built without weights.");
    return {
      repository: plan.models.repository,
      layers: [],
      files: [],
      bytesUploaded: 0,
      bytesRead: 0,
      requests: 0,
    };
  }
  const lock = await readLock(resolve(config.workspace, plan.models.lock), ports);
  const counted = countRequests(ports.fetch);
  const repository = parsePlace(plan.models.repository);
  const image = parsePlace(plan.image);
  const how = { login: loginOf(config), fetch: counted.fetch };
  const opened = ports.open(repository, how);
  const store = plan.push ? opened : forgiving(opened, ports.log);
  const pushed = await pushModels(
    lock,
    { ...ports, store, hub: config.hub, storeRequests: counted.requests },
    {
      platforms: plan.platforms.map(({ platform }) => platform),
      annotations: sourceOf(plan),
      checkOnly: !plan.push,
      // Nobody can give a stranger's pull request a token; whoever can is told to (the error).
      leaveGated: facts.untrusted !== undefined && config.hub.token === undefined,
      // The image's own repository may have layers from before it was parted from the weights, and those of its earlier images.
      mountFrom:
        plan.image !== plan.models.repository && canMount(image, repository)
          ? ports.open(image, how)
          : undefined,
      journal: join(config.results, "models-layers.txt"),
      signal: ports.signal,
    },
  );
  await ports.files.mkdir(config.results, { recursive: true });
  await ports.files.writeFile(join(config.results, "models.lock.json"), formatLock(pushed.lock));
  const layers = pushed.result.layers.map((layer, at) => ({
    ...layer,
    files: pushed.lock.layers[at]?.files ?? [],
  }));
  tell(layers, facts, ports.log);
  return { ...pushed.result, layers };
}

type Layer = ModelsResult["layers"][number] & { readonly files: readonly string[] };

function tell(
  layers: readonly Layer[],
  { untrusted }: Trust,
  log: Pick<Log, "info" | "warning">,
): void {
  for (const { state, size, files } of layers)
    log.info(`${state.padEnd(8)}  ${amount(size).padStart(8)}  ${filesText(files)}`);
  const gated = layers.filter(({ state }) => state === "gated").flatMap(({ files }) => files);
  if (gated.length > 0)
    log.warning(
      `Not checked: ${filesText(gated)}. The hub wants a token for that, and a pull request by ${untrusted} has none.`,
    );
}

function filesText([first = "", ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

/** The lock that an input names; a UsageError if it is missing or malformed. */
export async function readLock(path: string, { files }: Pick<Ports, "files">): Promise<Lock> {
  const text = await files.readFile(path, "utf8").catch((cause) => {
    throw new UsageError(`models: the lock ${path} cannot be read.`, {
      cause,
      todo: "Write it with: director-image models lock, or give models: '' for an image without weights.",
    });
  });
  return parseLock(text, path);
}

/** GHCR links a package to its repository by this annotation. */
function sourceOf({ labels }: PrepareResult): Readonly<Record<string, string>> {
  const name = "org.opencontainers.image.source";
  const source = labels[name];
  return source === undefined ? {} : { [name]: source };
}
