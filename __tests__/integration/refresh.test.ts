import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Digest } from "../../src/images/digest.ts";
import type { Results } from "../../src/results/stages.ts";
import { service } from "../fakes/service.ts";
import { open } from "../stores/ports.ts";
import { type AptRepository, aptRepository } from "./apt-repository.ts";
import { piping } from "./piping.ts";
import { output } from "./workspace.ts";

const given = piping();
let packages: AptRepository;

beforeAll(async () => {
  packages = await aptRepository();
  await packages.offer("made-up-critical", "1.0-1");
  await copyBase();
  await given.made.write("Dockerfile.director", await dockerfile());
});
afterAll(() => packages.close());

const rolling = () => `${given.registry.host}/rolling:1`;
const crane = (...args: readonly string[]) =>
  output(service("TEST_CRANE_BIN"), ...args, "--insecure");

/** A base under a tag that may move. */
async function copyBase(): Promise<void> {
  const from = `${service("TEST_BASES")}/base:bookworm`;
  await crane("copy", "--platform", "linux/amd64", from, rolling());
}

/** A base's packages come from a repository that gets newer ones; the step that renews them is that of Dockerfile.director. */
async function dockerfile(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, "../../Dockerfile.director"), "utf8");
  const [, step] = /^FROM python AS runtime\n([\s\S]*?)^WORKDIR /m.exec(text) ?? [];
  if (step === undefined) throw new Error("Dockerfile.director has no such step.");
  return `FROM ${rolling()} AS python
RUN rm -rf /etc/apt/sources.list* && echo '${packages.source}' > /etc/apt/sources.list \\
 && apt-get update && apt-get install --yes made-up-critical \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
FROM python AS runtime
${step}COPY version /app/version
USER nsn
`;
}

/** A run on one platform that no vulnerability stops; `month`: as a refresh, which publishes only what changed. */
async function run(month?: string): Promise<Results> {
  return given.pipeline(
    ...["--platforms", "linux/amd64", "--fail-on", "none"],
    ...(month === undefined
      ? []
      : ["--annotations", `network.nsn.director.refresh=${month}`, "--only-changed"]),
  );
}

const published = (): Promise<Digest | undefined> => open(given.place).manifestDigest("latest");
const layersOf = async ({ assemble }: Results) => {
  const document = await open(given.place).readManifest(assemble?.platforms[0]?.digest ?? "");
  return JSON.parse(new TextDecoder().decode(document?.bytes)).layers;
};

describe("a monthly refresh, with a warm cache", () => {
  let release: Results;
  beforeAll(async () => {
    release = await run();
  });

  it("that finds nothing newer makes the same layers, and moves no tag", async () => {
    const found = await run("2026-11");
    expect(await layersOf(found)).toEqual(await layersOf(release));
    const since = `latest@${release.assemble?.digest}`;
    expect(found.promote).toMatchObject({
      tags: [{ tag: "latest", moved: false, why: `nothing changed since ${since}` }],
      changes: { changed: false, since },
    });
    expect(await published()).toBe(release.assemble?.digest);
  });

  it("brings a newer package of the same month, and reports it with its versions and what it fixed", async () => {
    await packages.offer("made-up-critical", "2.0-1");
    const found = await run("2026-11");
    const [changes] = found.promote?.changes?.platforms ?? [];
    expect(found.promote?.tags).toMatchObject([{ tag: "latest", moved: true }]);
    expect(changes).toMatchObject({
      packages: [{ package: "made-up-critical", ecosystem: "debian", from: "1.0-1", to: "2.0-1" }],
      vulnerabilities: { fixed: [{ id: "CVE-2026-1001", severity: "CRITICAL" }], new: [] },
    });
    expect(changes?.layers.map(({ part, state }) => `${part} ${state}`)).toEqual([
      ...["models kept", "runtime kept", "runtime kept"],
      ...["runtime new", "runtime moved", "lock moved"],
    ]);
    const text = await readFile(join(given.made.folder, "results/changes.md"), "utf8");
    expect(text).toContain("| `made-up-critical` | 1.0-1 | 2.0-1 |");

    const again = await run("2026-11");
    expect(again.assemble?.platforms).toEqual(found.assemble?.platforms);
    expect(again.promote?.changes).toMatchObject({ changed: false });
    const later = await run("2026-12");
    expect(await layersOf(later)).toEqual(await layersOf(found));
    expect(later.promote?.changes).toMatchObject({ changed: false });
    expect(await published()).toBe(found.assemble?.digest);
  });

  it("takes a base that was replaced under its tag", async () => {
    const before = await published();
    const layer = join(given.made.folder, "layer.tar");
    await output("tar", "-C", given.made.folder, "-cf", layer, "version");
    await crane("append", "--base", rolling(), "--new_layer", layer, "--new_tag", rolling());
    const found = await run("2026-12");
    expect(found.promote?.changes).toMatchObject({
      since: `latest@${before}`,
      platforms: [{ base: { from: expect.stringContaining("/rolling"), to: expect.any(String) } }],
    });
    expect(await published()).toBe(found.assemble?.digest);
  });

  it("stops where the distribution cannot be asked, instead of finding nothing new", async () => {
    const before = await published();
    packages.fail(true);
    const said = await given.run(
      ...["--platforms", "linux/amd64", "--results", join(given.made.folder, "failing")],
      ...["--annotations", "network.nsn.director.refresh=2026-12", "--only-changed"],
    );
    packages.fail(false);
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining("the step: [runtime") });
    expect(said.stderr).toContain("Failed to fetch");
    expect(await published()).toBe(before);
  });
});
