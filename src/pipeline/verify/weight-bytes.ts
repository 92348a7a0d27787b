import type { CompleteLock } from "../../models/lock.ts";
import { type VerifyPorts, verifyModels } from "../../models/verify.ts";
import type { Store } from "../../ports/store.ts";
import { checked, type PolicyCheck } from "./check.ts";
import type { FinalImage, FinalPlatform } from "./final-image.ts";

interface Ports extends VerifyPorts {
  readonly store: Store;
  readonly signal?: AbortSignal | undefined;
}

/** Reads every byte of the weights that lie in an image against its own lock, and by the gate's rules; what platforms share is read once. */
export async function readWeights(
  { platforms }: FinalImage,
  ports: Ports,
): Promise<readonly PolicyCheck[]> {
  const known = new Map<string, string | undefined>();
  const checks: PolicyCheck[] = [];
  for (const platform of platforms) {
    const lock = inImage(platform);
    const key = JSON.stringify(lock);
    if (!known.has(key)) known.set(key, await problemIn(platform, lock, ports));
    checks.push(checked("bytes", platform.platform, known.get(key)));
  }
  return checks;
}

async function problemIn(
  { digest }: FinalPlatform,
  lock: CompleteLock | undefined,
  { store, signal, ...ports }: Ports,
): Promise<string | undefined> {
  if (lock === undefined) return undefined;
  const image = { store, reference: digest };
  const { files } = await verifyModels(lock, ports, { image, signal });
  const wrong = files.filter(({ verdict }) => verdict === "failed");
  return wrong.length === 0
    ? undefined
    : wrong.map(({ file, reason }) => `${file}: ${reason}`).join("; ");
}

/** The lock's part that lies in the image, the rest is mounted; undefined where nothing does. */
function inImage({ lock, layers }: FinalPlatform): CompleteLock | undefined {
  const there = lock?.layers.filter(({ digest }) => layers?.below.includes(digest)) ?? [];
  if (lock === undefined || there.length === 0) return undefined;
  const ids = new Set(there.flatMap(({ files }) => files));
  const models = lock.models
    .map((model) => ({
      ...model,
      files: model.files.filter(({ path }) => ids.has(`${model.name}/${path}`)),
    }))
    .filter(({ files }) => files.length > 0);
  return { ...lock, models, layers: there };
}
