import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Results } from "../../src/results/stages.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { output, scanning, type Workspace, workspace } from "./workspace.ts";

jest.setTimeout(300_000);

const files = ["model.safetensors", "config.json", "tokenizer.json", "vocab.txt"];
let source: string;
let registry: RegistryProcess;
let made: Workspace;

beforeAll(async () => {
  source = await output(join(import.meta.dirname, "../../scripts/setup/real-model.sh"));
  registry = await startRegistryProcess();
  made = await workspace();
  const model = {
    name: "minilm",
    title: "MiniLM",
    delivery: "bake",
    license: "apache-2.0",
    source: { url: `file://${source}/` },
    files,
  };
  await made.write("models.json", JSON.stringify({ version: 1, root: "/models", models: [model] }));
});
afterAll(async () => {
  await made.remove();
  await registry.close();
});

describe("a real safetensors model of 91 MB", () => {
  let results: Results;

  it("goes through the whole pipeline, its safetensors file as a layer of its own", async () => {
    expect(await made.cli("models", "lock")).toMatchObject({ code: 0 });
    const said = await made.cli(
      ...["run", "--json", "--image", `${registry.host}/minilm`, "--platforms", "linux/amd64"],
      ...["--driver", "remote", "--driver-opts", `endpoint=${service("TEST_BUILDKIT_ADDR")}`],
      ...[
        "--tags",
        "type=raw,value=latest",
        "--results",
        `${made.folder}/results`,
        ...["--acceptance", "off", "--allow-untested", "a test", ...scanning()],
      ],
    );
    expect(said).toMatchObject({ code: 0 });
    results = JSON.parse(said.stdout) as Results;
    expect(results.models?.files).toContainEqual(
      expect.objectContaining({ file: "minilm/model.safetensors", type: "safetensors" }),
    );
    expect(results.models?.layers.map(({ files: inLayer }) => inLayer)).toContainEqual([
      "minilm/model.safetensors",
    ]);
  });

  it("is in the image that Docker runs, byte for byte", async () => {
    const image = `${registry.host}/minilm@${results.assemble?.digest}`;
    await output("docker", "pull", "--quiet", image);
    const sums = await output(
      "docker",
      "run",
      "--rm",
      image,
      "sh",
      "-c",
      `cd /models/minilm && sha256sum ${files.join(" ")}`,
    );
    const wanted = await Promise.all(
      files.map(
        async (file) =>
          `${createHash("sha256")
            .update(await readFile(join(source, file)))
            .digest("hex")}  ${file}`,
      ),
    );
    expect(sums.split("\n")).toEqual(wanted);
    await output("docker", "rmi", image);
  });
});
