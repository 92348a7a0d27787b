import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { acceptanceInputs, withDefaults } from "../../src/config/read.ts";
import { parseLock } from "../../src/models/lock-parse.ts";
import { formatLock } from "../../src/models/lock-text.ts";
import { acceptOptions, promisedBy } from "../../src/pipeline/accept-options.ts";

const inputs = acceptanceInputs(withDefaults(() => undefined));
const lock = parseLock(
  await readFile(join("examples", "miniature", "models.lock.json"), "utf8"),
  "models.lock.json",
);
const expectedOf = (wanted: Parameters<typeof acceptOptions>[0]) =>
  acceptOptions(wanted, inputs, "/home").expected;

it("an assembled image must say of itself what the plan and the build had it say", () => {
  const annotations = { "org.opencontainers.image.version": "1" };
  const plan = {
    labels: { "org.opencontainers.image.source": "https://git.example/a", empty: "" },
    manifestAnnotations: { "linux/amd64": annotations },
  };
  const digest = `sha256:${"a".repeat(64)}` as const;
  const base = { name: "docker.io/library/ubuntu:22.04", digest };
  const built = { digest, size: 1 };
  const builds = [{ platforms: [{ platform: "linux/amd64", ...built, base }] }];
  expect(promisedBy(plan, builds)("linux/amd64")).toEqual({
    labels: [
      "org.opencontainers.image.source",
      ...["network.nsn.director.base.name", "network.nsn.director.base.digest"],
    ],
    annotations: ["org.opencontainers.image.version"],
  });
  expect(promisedBy(plan, builds)("linux/arm64")).toEqual({
    ...{ labels: ["org.opencontainers.image.source"], annotations: [] },
  });
});

it("an image with models must name them and their root, beside what is promised of it", () => {
  const models = ["network.nsn.director.models", "network.nsn.director.models.root"];
  expect(expectedOf({ lock }).labels).toEqual(models);
  expect(expectedOf({ lock: undefined }).labels).toEqual([]);
  const annotations = { wanted: ["b"], there: {} };
  const said = { labels: ["a", "network.nsn.director.models"], annotations };
  expect(expectedOf({ lock, said })).toMatchObject({ labels: [...models, "a"], annotations });
});

it("the lock in an image is the same whether its layers are known, and is another with other files", () => {
  const { isLock } = expectedOf({ lock });
  const text = formatLock(lock);
  expect(isLock(text)).toBe(true);
  expect(isLock(formatLock({ ...lock, layers: undefined }))).toBe(true);
  expect(isLock(JSON.stringify(JSON.parse(text)))).toBe(true);
  expect(isLock(formatLock({ ...lock, models: lock.models.slice(1), layers: undefined }))).toBe(
    false,
  );
  expect(isLock("no JSON")).toBe(false);
});
