import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { disconnectAfter } from "../fakes/faults.ts";
import { pulling } from "./pulling.ts";
import { openLock, publish, weights } from "./world.ts";

const given = pulling();

describe("pulling from an image", () => {
  it.each(["layout", "registry"])(
    "in a %s gives the same folder, whether the lock is open or complete",
    async (kind) => {
      const registry = await given.registry({ redirectBlobs: true });
      const at = kind === "registry" ? registry.host : undefined;
      const { image, completed } = await given.image(at);
      const requests = given.world.hub.requests.length;
      for (const what of [given.lock, completed]) {
        const out = join(given.world.folder, `volume-${what.layers === undefined}`);
        expect((await given.pull({ image, out }, what)).bytesRead).toBe(2_200_004);
        given.expectWhole(out);
      }
      expect(given.world.hub.requests.length).toBe(requests);
    },
  );

  it("goes on in mid-file when the registry's connection breaks", async () => {
    const faults = [{ method: "GET", path: "/blobs/", nth: 2, does: disconnectAfter(300_000) }];
    const registry = await given.registry({}, faults);
    const { image, completed } = await given.image(registry.host);
    await given.pull({ image }, completed);
    given.expectWhole();
  });

  it("refuses an image that is not there, or that has other files", async () => {
    const { image } = await given.image();
    await expect(
      given.pull({ image: { ...image, reference: "models-none" } }),
    ).rejects.toBeInstanceOf(UsageError);
    const other = openLock(
      await publish(given.world, "two", { "b.safetensors": weights(900_000, 3) }),
    );
    await expect(given.pull({ image }, other)).rejects.toThrow(
      /two\/b\.safetensors: .* is another one/,
    );
  });
});
