import { join, resolve } from "node:path";
import { RemoteError } from "../errors.ts";
import { parsePlace } from "../images/reference.ts";
import type { ScanResult } from "../results/stages.ts";
import { runtimePlace } from "./build.ts";
import { jobPlatforms, nameOf } from "./job.ts";
import { modelParts } from "./model-parts.ts";
import { readLock } from "./models.ts";
import { needed } from "./needed.ts";
import { loginOf } from "./open.ts";
import type { Ports } from "./ports.ts";
import { publishedRuntimes } from "./published.ts";
import { inOrder } from "./runtime-images.ts";
import { scanImages, unlessUnreadable } from "./scan-images.ts";
import type { Stage } from "./stage.ts";

/** Scans what was built, each of the job's platforms by its digest. Its verdict is kept before `refuseScan` lets the stage fail. */
export async function scanStage({ config, results }: Stage, ports: Ports): Promise<ScanResult> {
  const plan = needed(results, "prepare");
  const platforms = jobPlatforms(config, plan);
  const login = loginOf(config);
  const built = results.build.flatMap((build) => {
    const store = ports.open(runtimePlace(build, config), { login });
    const { indexes } = build;
    return build.platforms.map(({ platform, digest }) => ({ platform, digest, store, indexes }));
  });
  const runtimes = inOrder(
    built.filter(({ platform }) => platforms.includes(platform)),
    platforms,
  );
  const scratch = await ports.files.mkdtemp(join(config.temporary, "director-image-scan-"));
  ports.made(scratch);
  try {
    const { workspace, downloadMirror, scan: inputs } = config;
    const lock =
      plan.models.lock === ""
        ? undefined
        : await readLock(resolve(workspace, plan.models.lock), ports);
    const sbom = {
      folder: config.results,
      image: nameOf(plan),
      models: lock === undefined ? [] : modelParts(lock, plan.models.delivery),
    };
    const published =
      plan.push && config.promote.onlyChanged
        ? await publishedRuntimes(
            plan,
            platforms,
            ports.open(parsePlace(plan.target), { login }),
          ).catch(unlessUnreadable(plan.target, ports))
        : undefined;
    const request = { runtimes, inputs, workspace, downloadMirror, scratch, sbom, published };
    return await scanImages(request, ports);
  } catch (error) {
    if (!(error instanceof RemoteError) || config.scan.failOn !== "none") throw error;
    ports.log.warning(`Nothing was scanned: ${error.message}`);
    const scanned = runtimes.map(({ platform, digest }) => ({ platform, digest }));
    return { verdict: "skipped", reason: error.message, platforms: scanned };
  } finally {
    await ports.files.rm(scratch, { recursive: true, force: true });
  }
}
