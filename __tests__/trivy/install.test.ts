import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { digestOf } from "../../src/images/digest.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { findTrivy } from "../../src/trivy/find.ts";
import { installTrivy } from "../../src/trivy/install.ts";
import { trivyRelease, versionIn } from "../../src/trivy/release.ts";
import { releaseIdentity } from "../../src/trivy/signature.ts";
import { recorder } from "../buildx/services.ts";
import { type Signing, startSigning } from "../fakes/signing.ts";

const linux = { os: "linux", architecture: "x64" };

describe("a release", () => {
  it.each([
    ["0.74.0", linux, "Linux-64bit"],
    ["v0.74.0", { os: "linux", architecture: "arm64" }, "Linux-ARM64"],
    ["0.74.0", { os: "darwin", architecture: "arm64" }, "macOS-ARM64"],
  ])("%s for %j has its archive and the signature beside it", (version, machine, name) => {
    const { archive, bundle } = trivyRelease(version, machine, "http://127.0.0.1:1/mirror/");
    expect(archive.href).toBe(
      `http://127.0.0.1:1/mirror/aquasecurity/trivy/releases/download/v0.74.0/trivy_0.74.0_${name}.tar.gz`,
    );
    expect(bundle.href).toBe(`${archive.href}.sigstore.json`);
  });

  it.each(["latest", "0.74", "0.74.0@sha256:abc", "0.74.0@", ""])("%j is no version", (text) => {
    expect(() => versionIn(text)).toThrow(UsageError);
  });

  it("is not there for every machine", () => {
    expect(() => trivyRelease("0.74.0", { os: "win32", architecture: "x64" })).toThrow(
      /no Trivy to install for win32-x64/,
    );
  });
});

describe("installing", () => {
  const program = '#!/bin/sh\necho \'{"Version":"0.74.0"}\'\n';
  const right = releaseIdentity("0.74.0");
  let signing: Signing;
  let folder = "";
  let archive: Buffer;
  let served: { archive: Buffer; bundle: string };
  let server: Server;
  let mirror = "";
  let requests = 0;
  let tools = 0;

  beforeAll(async () => {
    signing = await startSigning();
    folder = await mkdtemp(join(tmpdir(), "install-trivy-"));
    await writeFile(join(folder, "trivy"), program);
    await chmod(join(folder, "trivy"), 0o755);
    execFileSync("tar", ["-czf", "a.tar.gz", "trivy"], { cwd: folder });
    archive = await readFile(join(folder, "a.tar.gz"));
    server = createServer(({ url = "" }, response) => {
      requests += 1;
      if (url.endsWith("_Linux-64bit.tar.gz")) response.end(served.archive);
      else if (url.endsWith("_Linux-64bit.tar.gz.sigstore.json")) response.end(served.bundle);
      else response.writeHead(404).end("no");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    mirror = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    served = { archive, bundle: await signing.bundle(archive, right) };
    requests = 0;
    tools += 1;
  });

  const ports = () => ({
    ...{ fetch: httpFetch(), files, exec, log: recorder() },
    tools: folderToolCache(join(folder, `tools-${tools}`)),
  });
  const install = async (version = "0.74.0", root: object = signing.root) => {
    const scratch = await mkdtemp(join(folder, "scratch-"));
    return installTrivy(trivyRelease(version, linux, mirror), scratch, ports(), root);
  };

  it("checks who signed it, and asks nobody the second time", async () => {
    expect(await readFile(await install(), "utf8")).toBe(program);
    expect(requests).toBe(2);
    expect(await readFile(await install(), "utf8")).toBe(program);
    expect(requests).toBe(2);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "an archive of which a byte was changed",
      async () => {
        served.archive = Buffer.from(archive);
        served.archive[100] = (archive[100] ?? 0) ^ 1;
      },
      /not one of these bytes/,
    ],
    [
      "the workflow of another repository",
      async () => {
        const subject = right.subject.replace("aquasecurity", "somebody");
        served.bundle = await signing.bundle(archive, { ...right, subject });
      },
      /somebody.* signed it/,
    ],
    [
      "the release of another version",
      async () => {
        served.bundle = await signing.bundle(archive, releaseIdentity("0.69.4"));
      },
      /v0\.69\.4 signed it/,
    ],
    [
      "a longer name that begins like the right one",
      async () => {
        served.bundle = await signing.bundle(archive, { ...right, subject: `${right.subject}-x` });
      },
      /-x signed it/,
    ],
    [
      "another one who vouches",
      async () => {
        served.bundle = await signing.bundle(archive, {
          ...right,
          issuer: "https://issuer.example",
        });
      },
      /issuer\.example vouches/,
    ],
    [
      "a signature of another Sigstore",
      async () => {
        served.bundle = await (await startSigning()).bundle(archive, right);
      },
      /whom Sigstore knows/,
    ],
    [
      "a bundle that is none",
      async () => {
        served.bundle = "{}";
      },
      /whom Sigstore knows/,
    ],
  ])("refuses %s, and keeps nothing", async (_, spoil, says) => {
    await spoil();
    await expect(install()).rejects.toThrow(says);
    await expect(install()).rejects.toBeInstanceOf(IntegrityError);
    expect(requests).toBe(4);
  });

  it("refuses a signed statement: it proves nothing about the archive's bytes", async () => {
    const { messageSignature: _, ...bundle } = JSON.parse(await signing.bundle(archive, right));
    const payload = Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1" }));
    const signatures = [{ sig: "AA==", keyid: "" }];
    const envelope = { payload: payload.toString("base64"), signatures };
    served.bundle = JSON.stringify({
      ...bundle,
      dsseEnvelope: { ...envelope, payloadType: "application/vnd.in-toto+json" },
    });
    const refusal = install();
    await expect(refusal).rejects.toThrow(/whom Sigstore knows/);
    await expect(refusal).rejects.toMatchObject({
      cause: { message: "The bundle signs a statement, not the bytes of a file." },
    });
  });

  it("refuses what the public Sigstore does not know", async () => {
    const { trustedRoot } = await import("../../src/sigstore/trusted-root.ts");
    await expect(install("0.74.0", trustedRoot)).rejects.toBeInstanceOf(IntegrityError);
  });

  it("holds the archive to a checksum that the caller brings", async () => {
    expect(await install(`0.74.0@${digestOf(archive)}`)).toMatch(/trivy$/);
    tools += 1;
    await expect(install(`0.74.0@${digestOf("other")}`)).rejects.toThrow(/wanted sha256/);
  });

  it("takes nothing from a tool cache where it was changed", async () => {
    await install();
    await writeFile(join(folder, `tools-${tools}`, "trivy", "0.74.0", "trivy.tar.gz"), "changed");
    expect(await readFile(await install(), "utf8")).toBe(program);
    expect(requests).toBe(4);
  });

  it("says what to do where the release cannot be had", async () => {
    const gone = trivyRelease("0.74.0", { ...linux, architecture: "arm64" }, mirror);
    const failing = installTrivy(gone, folder, ports(), signing.root);
    await expect(failing).rejects.toMatchObject({
      todo: expect.stringContaining("download-mirror"),
    });
    await expect(failing).rejects.toBeInstanceOf(RemoteError);
  });

  it("finds the machine's own of the wanted version first, and passes over others", async () => {
    const [old, own] = [join(folder, "old"), join(folder, "own")];
    for (const [place, version] of [
      [old, "0.69.4"],
      [own, "0.74.0"],
    ] as const) {
      await mkdir(place);
      await writeFile(join(place, "trivy"), `#!/bin/sh\necho '{"Version":"${version}"}'\n`);
      await chmod(join(place, "trivy"), 0o755);
    }
    const request = { version: "v0.74.0", downloadMirror: mirror, machine: linux, scratch: folder };
    const env = { PATH: `${old}:${own}:/usr/bin` };
    const found = await findTrivy(request, { ...ports(), env });
    expect(found).toEqual({ path: join(own, "trivy"), version: "0.74.0" });
    expect(requests).toBe(0);
  });
});
