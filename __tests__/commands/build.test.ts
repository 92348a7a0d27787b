import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { service } from "../fakes/service.ts";
import { open } from "../stores/ports.ts";
import { type Desk, openDesk } from "./program.ts";
import { writeSpec } from "./weights.ts";

jest.setTimeout(120_000);

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
  await writeSpec(desk);
  await desk.write("hello", "hello\n");
  await desk.write("Dockerfile.director", "FROM scratch AS runtime\nCOPY hello /hello\n");
});
afterAll(() => desk.remove());

it("build leaves runtimes that assemble takes by the names which it printed, and promote publishes", async () => {
  const build = await desk.cli([
    ...["build", "--image", "oci:out", "--results", "results", "--cache", "none"],
    ...["--driver", "remote", "--driver-opts", `endpoint=${service("TEST_BUILDKIT_ADDR")}`],
  ]);
  expect({ code: build.code, stderr: build.code === 0 ? "" : build.stderr }).toMatchObject({
    code: 0,
  });
  const runtimes = [...build.stdout.matchAll(/^(linux\/\w+) {2}(oci:\S+@sha256:\w+)$/gm)];
  expect(runtimes.map(([, platform]) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
  expect(await readdir(desk.temporary)).toEqual([]);

  expect((await desk.cli(["models", "lock"])).code).toBe(0);
  expect((await desk.cli(["models", "push", "--to", "oci:out"])).code).toBe(0);
  const made = await desk.cli([
    ...["assemble", "--to", "oci:out", "--results", "results", "--json"],
    ...runtimes.flatMap(([, , place = ""]) => ["--runtime", place]),
  ]);
  const { digest, platforms } = JSON.parse(made.stdout);
  expect(platforms).toHaveLength(2);
  const promote = await desk.cli([
    ...["promote", `oci:out@${digest}`, "--tag", "1", "--results", "results"],
    ...["--allow-untested", "a test", "--force"],
  ]);
  expect(promote).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^oci:out:1 {2}moved: /),
  });
  expect(await open(`oci:${desk.folder}/out`).manifestDigest("1")).toBe(digest);
});
