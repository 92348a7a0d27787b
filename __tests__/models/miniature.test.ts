import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { miniatureFiles } from "../../examples/miniature/models.ts";
import { parseLock } from "../../src/models/lock-parse.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { pushModels } from "../../src/models/push.ts";
import { resolveLock } from "../../src/models/resolve.ts";
import { parseSpec } from "../../src/models/spec.ts";
import { startWorld, type World } from "./world.ts";

jest.setTimeout(60_000);

const read = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../examples/miniature", name), "utf8");
let world: World;
beforeAll(async () => {
  world = await startWorld({ idleTimeout: 20_000 });
  for (const [path, bytes] of miniatureFiles()) {
    const target = join(world.folder, "hub", path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
});
afterAll(() => world.close());

it("the miniature's lock is what its spec gives on any machine", async () => {
  const { lock } = await resolveLock(parseSpec(read("models.json"), "models.json"), world.ports);
  expect(formatLock(lock)).toBe(read("models.lock.json"));
});

it("the miniature's models image has the same digest on any machine", async () => {
  const lock = parseLock(read("models.lock.json"), "models.lock.json");
  const ports = { ...world.ports, store: world.store() };
  const { result } = await pushModels(lock, ports, { platforms: ["linux/amd64", "linux/arm64"] });
  expect(result.digest).toBe(
    "sha256:01425f641c3b43255e655aaf0d844960eb9c86cdd8107d8d23dba4146568b4d3",
  );
});
