import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { answer, type Fault, intercept } from "./faults.ts";
import { type ResultsService, startResultsService } from "./results-service.ts";

const node = join("node_modules", ".bin", "node");

describe("the run's artifacts, through the real client", () => {
  const faults: Fault[] = [];
  let folder = "";
  let service: ResultsService;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifacts-"));
    service = await startResultsService({ intercept: intercept(faults) });
  });
  afterEach(async () => {
    faults.length = 0;
    await service.close();
    await rm(folder, { recursive: true });
  });

  /** What a job does is done by a process of its own, as on a runner: the client reads the job's token from the environment. */
  const job = async (token: string, script: string): Promise<string> => {
    const program = `import { artifacts } from "./src/runner/artifacts.ts";
const { upload, download } = artifacts;
${script}`;
    const { stdout } = await promisify(execFile)(node, ["--input-type=module", "-e", program], {
      env: { ACTIONS_RESULTS_URL: service.url, ACTIONS_RUNTIME_TOKEN: token },
    });
    return stdout;
  };
  const result = async (name: string, text: string): Promise<string> => {
    await mkdir(join(folder, "from"), { recursive: true });
    await writeFile(join(folder, "from", name), text);
    return `await upload("director-image-${name.slice(0, -".json".length)}", ${JSON.stringify(join(folder, "from"))}, ["${name}"]);`;
  };
  const fetchAll = (prefix: string) =>
    `console.log("names:", (await download((name) => name.startsWith("${prefix}"), ${JSON.stringify(join(folder, "to"))})).sort().join());`;
  const arrived = (name: string) => readFile(join(folder, "to", name), "utf8");

  it("hands a result to a later job", async () => {
    await job(service.token("prepare"), await result("prepare.json", '{"image":"a"}'));
    const said = await job(service.token("models"), fetchAll("director-image-"));
    expect(said).toContain("names: director-image-prepare\n");
    expect(await arrived("prepare.json")).toBe('{"image":"a"}');
  });

  it("brings only what the prefix names", async () => {
    await job(
      service.token("prepare"),
      (await result("prepare.json", "{}")) + (await result("models.json", "{}")),
    );
    const said = await job(service.token("build"), fetchAll("director-image-models"));
    expect(said).toContain("names: director-image-models\n");
    expect(await readdir(join(folder, "to"))).toEqual(["models.json"]);
  });

  it("finds nothing where nothing was left", async () => {
    expect(await job(service.token("models"), fetchAll("director-image-"))).toContain("names: \n");
  });

  it("keeps what two jobs of a matrix leave at the same time", async () => {
    const [amd64, arm64] = [
      await result("build-linux-amd64.json", "amd64"),
      await result("build-linux-arm64.json", "arm64"),
    ];
    await Promise.all([job(service.token("amd64"), amd64), job(service.token("arm64"), arm64)]);
    await job(service.token("assemble"), fetchAll("director-image-build"));
    expect(await arrived("build-linux-amd64.json")).toBe("amd64");
    expect(await arrived("build-linux-arm64.json")).toBe("arm64");
  });

  it("takes the place of an earlier upload of the same attempt", async () => {
    await job(
      service.token("build"),
      (await result("build.json", "first")) +
        `(await import("node:fs")).writeFileSync(${JSON.stringify(join(folder, "from", "build.json"))}, "second");` +
        (await result("build.json", "first")),
    );
    await job(service.token("assemble"), fetchAll("director-image-"));
    expect(await arrived("build.json")).toBe("second");
    expect(service.artifacts).toHaveLength(1);
  });

  it("prefers the later attempt of the run, and uses the earlier one's where there is no later", async () => {
    await job(
      service.token("prepare"),
      (await result("prepare.json", "plan")) + (await result("build.json", "first")),
    );
    await job(service.token("build", 2), await result("build.json", "second"));
    await job(service.token("assemble", 2), fetchAll("director-image-"));
    expect(await arrived("prepare.json")).toBe("plan");
    expect(await arrived("build.json")).toBe("second");
  });

  it("carries a file of many blocks", async () => {
    // The client sends blocks of 8 MiB; random hexadecimal digits halve at best.
    const script = `import { randomBytes } from "node:crypto"; import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(join(folder, "from", "report.html"))}, randomBytes(20e6));
await upload("director-image-report", ${JSON.stringify(join(folder, "from"))}, ["report.html"]);`;
    await mkdir(join(folder, "from"));
    await job(service.token("report"), script);
    await job(service.token("later"), fetchAll("director-image-"));
    const [before, after] = await Promise.all(
      ["from", "to"].map((end) => readFile(join(folder, end, "report.html"))),
    );
    expect(after?.equals(before ?? Buffer.alloc(0))).toBe(true);
  });

  it("keeps what is bulky for three days and as it is, and the rest as long as the repository says", async () => {
    const from = join(folder, "from");
    await mkdir(join(from, "runtime"), { recursive: true });
    const zeros = Buffer.alloc(9e6);
    await writeFile(join(from, "runtime", "layer"), zeros);
    const files = `${JSON.stringify(from)}, ["runtime/layer"]`;
    await job(
      service.token("build"),
      `await upload("small", ${files}); await upload("bulky", ${files}, { isBulky: true });`,
    );
    const [small, bulky] = service.artifacts;
    expect(small?.size).toBeLessThan(100_000);
    expect(small).not.toHaveProperty("expires");
    expect(bulky?.size).toBeGreaterThan(zeros.length);
    const days = (Date.parse(bulky?.expires ?? "") - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(2.9);
    expect(days).toBeLessThan(3.1);
    await job(service.token("assemble"), fetchAll("bulky"));
    expect(zeros.equals(await readFile(join(folder, "to", "runtime", "layer")))).toBe(true);
  });

  it("refuses an artifact whose bytes changed on their way", async () => {
    await job(service.token("prepare"), await result("prepare.json", "{}"));
    await job(service.token("other"), await result("other.json", "something else"));
    const [one, other] = service.artifacts;
    if (one === undefined || other === undefined) throw new Error("both were uploaded");
    Object.assign(one, { blob: other.blob });
    await expect(
      job(service.token("models"), fetchAll("director-image-prepare")),
    ).rejects.toMatchObject({
      stderr: expect.stringContaining(
        "The artifact director-image-prepare is not what was uploaded",
      ),
    });
  });

  it("fails where the service refuses the upload", async () => {
    faults.push({ path: "/CreateArtifact", does: answer(403, { body: '{"msg":"no more room"}' }) });
    await expect(
      job(service.token("prepare"), await result("prepare.json", "{}")),
    ).rejects.toMatchObject({ stderr: expect.stringContaining("no more room") });
  });
});
