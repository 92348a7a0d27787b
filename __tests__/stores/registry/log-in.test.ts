import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { httpFetch } from "../../../src/host/fetch.ts";
import type { Fetch } from "../../../src/ports/fetch.ts";
import { listen, stop } from "../../fakes/registry-state.ts";
import { blob, collect, open, testPorts } from "../ports.ts";
import { authorizing, login, user } from "./authorizing.ts";
import { reply } from "./registries.ts";

const { closing, registry, config } = authorizing();

describe("A log-in", () => {
  const auth = { ...user, scheme: "bearer" as const };
  const encoded = Buffer.from(`${user.username}:${user.password}`).toString("base64");

  it.each<[string, (host: string) => object]>([
    ["under the host", (host) => ({ auths: { [host]: { auth: encoded } } })],
    ["under a URL", (host) => ({ auths: { [`https://${host}/v1/`]: { auth: encoded } } })],
    ["in plain words", (host) => ({ auths: { [host]: user } })],
    ["of a helper", (host) => ({ credHelpers: { [host]: "test" } })],
    ["of the store for all", () => ({ credsStore: "test" })],
    [
      "beside a helper that has none",
      (host) => ({ credsStore: "empty", auths: { [host]: { auth: encoded } } }),
    ],
    [
      "beside a helper that is not installed",
      (host) => ({ credsStore: "absent", auths: { [host]: { auth: encoded } } }),
    ],
  ])("is found in Docker's config.json: %s", async (_, kept) => {
    const { host } = await registry({ auth });
    const ports = testPorts();
    const programs = await credentialPrograms(host);
    const env = { ...process.env, PATH: `${programs}:${process.env["PATH"]}` };
    const exec: typeof ports.exec = (program, args, options) =>
      ports.exec(program, args, { ...options, env: env as Record<string, string> });
    const dockerConfig = await config(kept(host));
    const store = open(`${host}/nsn/director`, { dockerConfig }, { ...ports, exec });
    expect(await store.tags()).toEqual([]);
  });

  it("for another registry is not used", async () => {
    const { host, requests, tokens } = await registry({ auth });
    const dockerConfig = await config({ auths: { "ghcr.io": { auth: encoded } } });
    const options = { dockerConfig, ...login("ghcr.io") };
    await expect(open(`${host}/nsn/director`, options).tags()).rejects.toThrow("wants a log-in");
    expect(requests.map(({ authorization }) => authorization)).toEqual([undefined]);
    expect(tokens.requests[0]?.account).toBeUndefined();
  });

  it("for Docker Hub is found under its old name", async () => {
    const seen: string[] = [];
    const offline: Fetch = async ({ url, headers }) => {
      seen.push(`${url.origin} ${headers?.["authorization"]}`);
      const challenge = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
      return reply(401, { "www-authenticate": challenge });
    };
    const key = "https://index.docker.io/v1/";
    const dockerConfig = await config({ auths: { [key]: { auth: encoded } } });
    const ports = { ...testPorts(), fetch: offline };
    await expect(open("nsn/director", { dockerConfig }, ports).tags()).rejects.toThrow();
    expect(seen).toEqual([
      "https://registry-1.docker.io undefined",
      `https://auth.docker.io Basic ${encoded}`,
    ]);
  });

  it("is not sent to a token server over plain HTTP off loopback", async () => {
    const offline: Fetch = async () =>
      reply(401, { "www-authenticate": 'Bearer realm="http://tokens.example/token"' });
    const ports = { ...testPorts(), fetch: offline };
    const store = open("ghcr.io/nsn/director", login("ghcr.io"), ports);
    await expect(store.tags()).rejects.toThrow("was not sent there over plain HTTP");
  });

  it("in a config.json that is broken is passed over with a warning", async () => {
    const { host } = await registry({});
    const dockerConfig = await config("{ not json");
    const ports = testPorts();
    expect(await open(`${host}/nsn/director`, { dockerConfig }, ports).tags()).toEqual([]);
    const asking = await registry({ auth });
    await expect(open(`${asking.host}/n`, { dockerConfig }, ports).tags()).rejects.toThrow(
      "log-in",
    );
    expect(ports.lines.join()).toContain("cannot be read");
  });

  it("stays with the registry when a blob lies elsewhere", async () => {
    const running = await registry({ auth, redirectBlobs: true });
    const store = open(`${running.host}/nsn/director`, login(running.host));
    const { bytes, source, digest } = blob(100_000);
    await store.putBlob(source);
    expect(await store.blobSize(digest)).toBe(100_000);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    expect((await collect(store.readBlob(digest, 70_000))).equals(bytes.subarray(70_000))).toBe(
      true,
    );
    expect(running.storageRequests).toHaveLength(3);
    expect(running.storageRequests.every(({ authorization }) => authorization === undefined)).toBe(
      true,
    );
  });

  it("stays with the registry when an upload goes elsewhere", async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      request.resume();
      request.on("end", () => response.writeHead(request.method === "PUT" ? 201 : 202).end());
    });
    const host = await listen(elsewhere);
    closing.push(() => stop(elsewhere));
    const running = await registry({ auth });
    const fetch = httpFetch();
    const moved: Fetch = async (request) => {
      const response = await fetch(request);
      if (request.method !== "POST" || response.status !== 202) return response;
      return { ...response, headers: { location: `http://${host}/upload?id=1` } };
    };
    const ports = { ...testPorts(), fetch: moved };
    await open(`${running.host}/nsn/director`, login(running.host), ports).putBlob(
      blob(2_000_000).source,
    );
    expect(seen).toEqual([undefined, undefined]);
  });
});

/** Programs that Docker asks for log-ins: `test` has the log-in for this registry, `empty` has none; `absent` is not installed. */
async function credentialPrograms(host: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "credentials-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const answer = JSON.stringify({
    ServerURL: host,
    Username: user.username,
    Secret: user.password,
  });
  const scripts = {
    test: `[ "$1" = get ] && [ "$(cat)" = "${host}" ] && echo '${answer}'`,
    empty: "echo credentials not found in native keychain; exit 1",
  };
  for (const [name, script] of Object.entries(scripts)) {
    const file = join(folder, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}
