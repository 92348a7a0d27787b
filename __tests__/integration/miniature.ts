import { join } from "node:path";
import { startHub } from "../../examples/miniature/hub.ts";
import { output, run } from "./workspace.ts";

const node = join("node_modules", ".bin", "node");

/** The miniature's lock. */
export const miniatureLock = join("examples", "miniature", "models.lock.json");

/** Puts the miniature's weights into `<folder>/models`, as `models pull` leaves them; gives that folder. */
export async function pullMiniature(folder: string): Promise<string> {
  const [made, out] = [join(folder, "hub"), join(folder, "models")];
  await output(node, join("examples", "miniature", "make.ts"), "--out", made);
  const hub = await startHub({ root: made });
  try {
    const pull = ["src/cli.ts", "models", "pull", "--lock", miniatureLock, "--out", out];
    const said = await run(node, pull, undefined, { HF_ENDPOINT: hub.endpoint });
    if (said.code !== 0) throw new Error(said.stderr);
  } finally {
    await hub.close();
  }
  return out;
}
