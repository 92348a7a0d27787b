import { beforeAll, describe, expect, it } from "@jest/globals";
import type { Results } from "../../src/results/stages.ts";
import { piping } from "./piping.ts";
import { output, run } from "./workspace.ts";

const given = piping();

describe("mounted models", () => {
  let mount: Results;
  let image: string;

  beforeAll(async () => {
    mount = await given.pipeline("--delivery", "mount", "--tags", "type=raw,value=mounted");
    image = `${given.place}@${mount.assemble?.digest}`;
    await output("docker", "pull", "--quiet", image);
    await output("docker", "pull", "--quiet", `${given.place}@${mount.models?.digest}`);
  });

  const mounted = (...mounts: readonly string[]) =>
    output(
      "docker",
      "run",
      "--rm",
      ...mounts.flatMap((entry) => ["--mount", entry]),
      image,
      "sh",
      "-c",
      "find /models -type f | sort; id -u",
    );

  it("are not in an image made with --delivery mount, but its lock is", async () => {
    expect(await mounted()).toBe("/models/models.lock.json\n1000");
  });

  it("appear one by one", async () => {
    const models = `${given.place}@${mount.models?.digest}`;
    expect(
      await mounted(`type=image,source=${models},target=/models/two,image-subpath=models/two`),
    ).toBe("/models/models.lock.json\n/models/two/c.txt\n1000");
  });

  it("appear all together at the root", async () => {
    const models = `${given.place}@${mount.models?.digest}`;
    expect(await mounted(`type=image,source=${models},target=/models,image-subpath=models`)).toBe(
      "/models/models.lock.json\n/models/one/a.json\n/models/one/b.txt\n/models/two/c.txt\n1000",
    );
  });

  it("can be filled into a fresh named volume by UID 1000", async () => {
    const volume = `director-test-${process.pid}`;
    try {
      await output(
        "docker",
        "run",
        "--rm",
        "-v",
        `${volume}:/models`,
        image,
        "sh",
        "-c",
        "mkdir /models/two && echo x > /models/two/c.txt",
      );
      expect(
        await output(
          "docker",
          "run",
          "--rm",
          "-v",
          `${volume}:/models`,
          image,
          "cat",
          "/models/two/c.txt",
        ),
      ).toBe("x");
    } finally {
      await run("docker", ["volume", "rm", "--force", volume]);
    }
  });
});
