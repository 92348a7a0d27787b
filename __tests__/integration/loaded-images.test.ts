import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { type Digest, short } from "../../src/images/digest.ts";
import { transfer } from "../../src/stores/transfer.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import { service } from "../fakes/service.ts";
import { type Made, putRuntime, yard } from "../pipeline/images.ts";
import { open } from "../stores/ports.ts";
import { output, run } from "./workspace.ts";

jest.setTimeout(300_000);

const node = join("node_modules", ".bin", "node");
const platform = process.arch === "arm64" ? "linux/arm64" : "linux/amd64";
const given = yard();

let registry: FakeRegistry;
beforeEach(async () => {
  registry = await startRegistry();
});
afterEach(() => registry.close());

interface Candidate {
  readonly digest: Digest;
  readonly name: string;
  readonly runtime: Made;
}

/** An image of the two models and of software that differs by a text; nothing in it can be started. */
async function candidate(software: string): Promise<Candidate> {
  const layers = [{ "models/": 1000 }, { "app/": 0, "app/version": software }];
  const runtime = await putRuntime(given.software, layers, { platform });
  const { digest } = await given.assemble([runtime]);
  await transfer(digest, given.target, open(`${registry.host}/nsn/director`));
  return { digest, name: `director-image-candidate:${short(digest)}`, runtime };
}

describe.each([
  ["containerd", () => service("DOCKER_HOST")],
  ["classic", () => service("TEST_CLASSIC_DOCKER_HOST")],
])("acceptances one after another in Docker's %s store", (store, host) => {
  const docker = (...args: readonly string[]) => output("docker", "--host", host(), ...args);
  const made: string[] = [];
  afterAll(async () => {
    for (const name of made) await run("docker", ["--host", host(), "image", "rm", name]);
  });

  /** Accepts in vain; gives the layers that were fetched for it. */
  const fetched = async ({ digest, name }: Candidate): Promise<readonly string[]> => {
    const before = registry.requests.length;
    const place = `${registry.host}/nsn/director@${digest}`;
    const said = await run(node, ["src/cli.ts", "accept", place, "--json"], undefined, {
      DOCKER_HOST: host(),
    });
    made.push(name);
    expect({ code: said.code, result: said.stdout }).toMatchObject({
      ...{ code: 1, result: expect.stringContaining('"name": "startup"') },
    });
    return registry.requests
      .slice(before)
      .filter(({ method, url }) => method === "GET" && url.includes("/blobs/"))
      .map(({ url }) => url.slice(url.lastIndexOf("/") + 1));
  };
  /** Which of these names Docker still has. */
  const left = async (names: readonly string[]) => {
    const listed = await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
    return names.filter((name) => listed.split("\n").includes(name));
  };
  /** An image of two models as acceptances leave it, a name for each. */
  const models = async (id: string): Promise<readonly string[]> => {
    const there = open(`${registry.host}/nsn/director`);
    const { digest } = await putRuntime(there, [{ "models/": 0, "models/x": id }], { platform });
    const pulled = `${registry.host}/nsn/director@${digest}`;
    await docker("pull", "--quiet", pulled);
    const names = ["one", "two"].map((model) => `director-image-models:${id.repeat(12)}-${model}`);
    for (const name of names) await docker("tag", pulled, name);
    made.push(...names);
    await docker("image", "rm", pulled);
    return names;
  };
  const candidates = async (what: string) => {
    const all: Candidate[] = [];
    for (const software of ["1", "2", "3", "4"])
      all.push(await candidate(`${store} ${what} ${software}`));
    return all as [Candidate, Candidate, Candidate, Candidate];
  };

  it("fetch only what changed, and leave two candidates", async () => {
    const [first, ...others] = await candidates("shared");
    const weights = given.lock.layers.map(({ digest }) => digest);
    const changed = ({ runtime }: Candidate) => runtime.diffIds.at(-1) as Digest;
    const seen = await fetched(first);
    expect(seen).toEqual(expect.arrayContaining([...weights, changed(first)]));
    for (const next of others) {
      const layers = await fetched(next);
      expect(layers).toContain(changed(next));
      expect(layers.filter((layer) => weights.includes(layer as Digest))).toEqual([]);
    }
    const all = [first, ...others].map(({ name }) => name);
    expect(await left(all)).toEqual(all.slice(2));
  });

  it("leave what is not theirs, and what containers use as long as they do", async () => {
    const [first, second, third, fourth] = await candidates("used");
    for (const one of [first, second]) await fetched(one);
    const foreign = `elsewhere/${first.name}`;
    await docker("tag", first.name, foreign);
    made.push(foreign);
    const [old, used, newest] = [await models("a"), await models("b"), await models("c")];
    const mount = `type=image,source=${used[0]},target=/weights`;
    const container = await docker("create", "--mount", mount, first.name, "nothing");
    const all = [first.name, second.name, third.name, foreign, ...old, ...used, ...newest];
    try {
      await fetched(third);
      expect(await left(all)).toEqual(all.filter((name) => !old.includes(name)));
    } finally {
      await docker("rm", container);
    }
    await fetched(fourth);
    expect(await left([...all, fourth.name])).toEqual([
      third.name,
      foreign,
      ...newest,
      fourth.name,
    ]);
  });
});
