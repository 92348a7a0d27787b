import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "@jest/globals";
import { type ContainerPorts, containerTarget } from "../../src/acceptance/container-target.ts";
import type { StartOptions, Target } from "../../src/acceptance/node.ts";
import { randomId } from "../../src/random-id.ts";
import { attempt, docker } from "../dockerfile/docker.ts";
import { service } from "../fakes/service.ts";
import { testPorts } from "../stores/ports.ts";
import { leftOf } from "./labelled.ts";

/** A node of its kind that only waits: with all of Debian, with a volume of its own and peers; and with nothing but itself. */
export const images = {
  debian: "director-image-test/waits:debian",
  bare: "director-image-test/waits:bare",
};
const dockerfile = `FROM ${service("TEST_BASES")}/base:bookworm AS debian
ENV P2P_BOOTSTRAP_PEERS=/ip4/192.0.2.1/udp/9000/quic-v1
RUN mkdir /models && echo weights > /models/a.bin && mkdir -m 700 /other
RUN mkdir /bare && cp --parents --dereference /usr/bin/sleep $(ldd /usr/bin/sleep | grep --only-matching '/[^ ]*') /bare
VOLUME /other
ENTRYPOINT ["sh", "-c", "echo peers=[$P2P_BOOTSTRAP_PEERS]; exec sleep 600"]
USER 1000
FROM scratch AS bare
COPY --from=debian /bare /
ENTRYPOINT ["/usr/bin/sleep", "600"]
USER 1000
`;

export const wanted: StartOptions = {
  name: "node",
  peers: [],
  chainUrl: "ws://x:1",
  hardened: true,
};
const open: { readonly id: string; readonly target: Target }[] = [];
/** What was warned of; a test takes away what it expects. */
export const { lines: warnings, ...ports } = testPorts();

/** An image as a target, which is closed after the test and has left nothing then. */
export async function targetOf(image: string, more: Partial<ContainerPorts> = {}) {
  const id = randomId({ random: Math.random });
  const limits = { memoryBytes: 256e6, cpus: 1, gpus: false };
  const target = await containerTarget(
    {
      image,
      id,
      root: "/models",
      mounts: [],
      env: { ...process.env } as Record<string, string>,
      ...limits,
    },
    { ...ports, signal: new AbortController().signal, ...more },
  );
  open.push({ id, target });
  return { id, target };
}

/** Makes the images before the tests of a file, and holds every test to leaving nothing behind. */
export function waiting(): void {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "waits-"));
    await writeFile(join(folder, "Dockerfile"), dockerfile);
    for (const [stage, image] of Object.entries(images))
      await docker("build", "--quiet", "--target", stage, "--tag", image, folder);
    await rm(folder, { recursive: true });
  });
  afterAll(async () => {
    for (const image of Object.values(images)) await attempt("image", "rm", "--force", image);
  });
  afterEach(async () => {
    for (const { id, target } of open.splice(0)) {
      await target.close();
      expect(await leftOf(id)).toEqual([]);
    }
    expect(warnings.splice(0)).toEqual([]);
  });
}
