import { CommandError } from "../errors.ts";
import type { Digest } from "../images/digest.ts";
import type { Store } from "../ports/store.ts";
import { serveStore } from "../stores/serve.ts";
import type { Ports } from "./ports.ts";

/**
 * Brings an image of any store into the local Docker under a name: Docker pulls it from a registry that lives on loopback for that
 * long, so that layers which are there already are not sent, and both of Docker's image stores do the same.
 */
export async function loadImage(
  store: Store,
  digest: Digest,
  name: string,
  { exec, env, log, signal }: Pick<Ports, "exec" | "env" | "log" | "signal">,
): Promise<void> {
  const docker = async (...args: readonly string[]) => {
    const { code, stderr } = await exec("docker", args, {
      env,
      signal,
      onLine: (line) => log.debug(line),
    });
    if (code !== 0)
      throw new CommandError(`docker ${args[0]} failed (exit ${code}): ${stderr.trim()}`, {
        todo: "Is a Docker engine running on this machine? Try: docker info",
      });
  };
  const server = await serveStore(store, { log });
  const pulled = `${server.host}/director@${digest}`;
  try {
    await docker("pull", "--quiet", pulled);
    await docker("tag", pulled, name);
    await docker("rmi", pulled);
  } finally {
    await server.close();
  }
}
