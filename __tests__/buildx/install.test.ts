import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { installBuildx } from "../../src/buildx/install.ts";
import { buildxAsset } from "../../src/buildx/release.ts";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { recorder } from "./services.ts";

const linux = { os: "linux", architecture: "x64" };
const digest = `sha256:${"a".repeat(64)}` as const;

describe("the release's file", () => {
  it.each([
    ["0.36.1", "x64", "amd64", "48af8a397ebd60178778bf63611dbcebe5f5e7a9be90eb9147b24b9587455778"],
    [
      "v0.36.1",
      "arm64",
      "arm64",
      "5d0cafd9d16afe1a0f0d9529885344ace2cc99efdd531b6c783c5455a6001569",
    ],
  ])("of the pinned %s for %s has a pinned checksum", (version, architecture, name, hex) => {
    const asset = buildxAsset(version, { os: "linux", architecture });
    expect(asset.digest).toBe(`sha256:${hex}`);
    expect(asset.url.href).toBe(
      `https://github.com/docker/buildx/releases/download/v0.36.1/buildx-v0.36.1.linux-${name}`,
    );
  });

  it("of another version needs its checksum, and may come from a mirror", () => {
    expect(buildxAsset(`0.37.0@${digest}`, linux, "http://127.0.0.1:1/github/").url.href).toBe(
      "http://127.0.0.1:1/github/docker/buildx/releases/download/v0.37.0/buildx-v0.37.0.linux-amd64",
    );
  });

  it.each([
    ["a version without a known checksum", "0.37.0", linux],
    ["a machine without a known checksum", "0.36.1", { os: "darwin", architecture: "arm64" }],
    ["a checksum that is none", "0.37.0@sha256:abc", linux],
    ["a version that is none", "latest", linux],
  ])("%s is a UsageError", (_, version, machine) => {
    expect(() => buildxAsset(version, machine)).toThrow(UsageError);
    expect(() => buildxAsset(version, machine)).toThrow("buildx-version:");
  });
});

describe("installing", () => {
  const bytes = Buffer.from("#!/bin/sh\necho buildx\n".repeat(5000));
  const right = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;
  let server: Server;
  let base: string;
  let folder: string;
  let requests = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "install-"));
    server = createServer(({ url = "" }, response) => {
      requests++;
      if (url === "/redirected") response.writeHead(302, { location: "/file" }).end();
      else if (url === "/loop") response.writeHead(302, { location: "/loop" }).end();
      else if (url === "/file") response.end(bytes);
      else response.writeHead(404).end("no");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  const install = (path: string, wanted = right, cache = "tools") =>
    installBuildx({ version: "1.2.3", url: new URL(path, base), digest: wanted }, folder, {
      fetch: httpFetch(),
      files,
      tools: folderToolCache(join(folder, cache)),
      log: recorder(),
    });

  it("follows redirects, checks, keeps the program executable, and asks nobody the second time", async () => {
    const path = await install("/redirected");
    expect((await stat(path)).mode & 0o111).toBe(0o111);
    expect(await readFile(path)).toEqual(bytes);
    const before = requests;
    expect(await install("/redirected")).toBe(path);
    expect(requests).toBe(before);
  });

  it("keeps nothing whose bytes are not what was wanted", async () => {
    const wrong = install("/file", digest, "other");
    await expect(wrong).rejects.toThrow(IntegrityError);
    await expect(wrong).rejects.toThrow(`its bytes have ${right}, wanted ${digest}`);
    expect((await readdir(folder)).sort()).toEqual(["tools"]);
  });

  it.each([
    ["a file that is not there", "/missing", "status 404"],
    ["a redirect without an end", "/loop", "redirected"],
  ])("%s is a RemoteError", async (_, path, message) => {
    const failed = install(path, right, "third");
    await expect(failed).rejects.toThrow(RemoteError);
    await expect(failed).rejects.toThrow(message);
  });
});
