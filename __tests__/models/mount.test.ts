import { describe, expect, it } from "@jest/globals";
import { answer } from "../fakes/faults.ts";
import { pushing, states } from "./pushing.ts";

const given = pushing();

describe("a repository to mount from", () => {
  it.each([
    ["mounts", {}],
    ["may copy", { allowCopy: true }],
  ])("that cannot be read fails no push that %s", async (_, options) => {
    const refuses = { method: "HEAD", path: "/v2/nsn/weights/", does: answer(403) };
    const registry = await given.registry({ mount: "accepted" }, [refuses]);
    const there = await given.push(
      await given.complete(),
      given.world.store(`${registry.host}/nsn/director`),
      { mountFrom: given.world.store(`${registry.host}/nsn/weights`), ...options },
    );
    expect(states(there)).toEqual(["uploaded", "uploaded", "uploaded"]);
    expect(registry.uploadsOpen()).toBe(0);
  });

  it("is asked for the verdicts only on what the registry mounts at once", async () => {
    const registry = await given.registry();
    const mountFrom = given.world.store(`${registry.host}/nsn/weights`);
    const { lock } = await given.push(given.lock, mountFrom);
    const before = registry.requests.length;
    const there = await given.push(lock, given.world.store(`${registry.host}/nsn/director`), {
      mountFrom,
      allowCopy: true,
    });
    expect(states(there)).toEqual(["mounted", "mounted", "mounted"]);
    const asked = registry.requests.slice(before).filter(({ url }) => url.includes("nsn/weights/"));
    expect(asked.map(({ method, url }) => `${method} ${url.split("/")[4]}`)).toEqual([
      "GET manifests",
      "GET manifests",
    ]);
    expect(there.result.bytesRead).toBe(0);
  });
});
