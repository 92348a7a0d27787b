import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { IntegrityError } from "../../../src/errors.ts";
import { httpFetch } from "../../../src/host/fetch.ts";
import type { Fetch } from "../../../src/ports/fetch.ts";
import type { RegistryOptions } from "../../../src/stores/registry/registry-store.ts";
import { startRegistry } from "../../fakes/registry.ts";
import { startRegistryProcess } from "../../fakes/registry-process.ts";
import { listen, type RegistryBehaviour, stop } from "../../fakes/registry-state.ts";
import { blob, collect, inPieces, open, putImage, testPorts } from "../ports.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const user = { username: "octocat", password: "gh/p:ss" };

async function registry(behaviour: RegistryBehaviour) {
  const running = await startRegistry(behaviour);
  closing.push(running.close);
  return running;
}

const login = (host: string, password = user.password): RegistryOptions => ({
  login: { registry: host, username: user.username, password },
});

describe("A registry with a token server", () => {
  const auth = { ...user, scheme: "bearer" as const };

  it("gets one token for reading and one for writing", async () => {
    const { host, tokens } = await registry({ auth });
    const store = open(`${host}/nsn/director`, login(host));
    expect(await store.blobSize(blob(1).digest)).toBeUndefined();
    await putImage(store, [blob(2_000_000).source, blob(100).source], "v1");
    expect(await store.tags()).toEqual(["v1"]);
    expect(tokens.requests.map(({ scopes }) => scopes)).toEqual([
      ["repository:nsn/director:pull"],
      ["repository:nsn/director:pull,push"],
    ]);
    expect(tokens.requests[0]).toMatchObject({ account: "octocat", service: "fake" });
  });

  it("gets a token of its own for taking something away", async () => {
    const running = await registry({ auth });
    const store = open(`${running.host}/nsn/director`, login(running.host));
    await putImage(store, [], "v1");
    expect(await store.removeTag("v1")).toBe(true);
    expect(await store.tags()).toEqual([]);
    const broken = blob(2_000_000, { open: () => inPieces(Buffer.alloc(2_000_000)) });
    await expect(store.putBlob(broken.source)).rejects.toThrow(IntegrityError);
    expect(running.uploadsOpen()).toBe(0);
  });

  it("gets one token for many requests at once", async () => {
    const { host, tokens } = await registry({ auth });
    const store = open(`${host}/nsn/director`, login(host));
    await Promise.all(Array.from({ length: 8 }, () => store.blobSize(blob(1).digest)));
    expect(tokens.requests).toHaveLength(1);
  });

  it("gets a token for both repositories of a mount", async () => {
    const { host, tokens } = await registry({ auth });
    const { source, digest } = blob(100);
    const models = open(`${host}/nsn/models`, login(host));
    await models.putBlob(source);
    const store = open(`${host}/nsn/director`, login(host));
    expect(await store.mountBlob(digest, models.name)).toBe(true);
    expect(tokens.requests.at(-1)?.scopes).toEqual([
      "repository:nsn/director:pull,push",
      "repository:nsn/models:pull",
    ]);
  });

  it("does not mount from where nobody may read, and takes the blob then", async () => {
    const { host } = await registry({ auth: { ...auth, hidden: ["nsn/models"] } });
    const { source, digest } = blob(100);
    const store = open(`${host}/nsn/director`, login(host));
    expect(await store.blobSize(digest)).toBeUndefined();
    expect(await store.mountBlob(digest, `${host}/nsn/models`)).toBe(false);
    expect((await store.putBlob(source)).digest).toBe(digest);
  });

  it("gets new tokens when the old ones run out, also in the middle of an upload", async () => {
    const { host, tokens, repository } = await registry({ auth: { ...auth, tokenRequests: 2 } });
    const store = open(`${host}/nsn/director`, { ...login(host), chunkSize: 1_000_000 });
    const { bytes, source, digest } = blob(3_500_000);
    await store.putBlob(source);
    expect(repository("nsn/director").blobs.get(digest)?.equals(bytes)).toBe(true);
    expect(tokens.requests.length).toBeGreaterThan(3);
  });

  it("needs no log-in where pulling is free", async () => {
    const { host, repository } = await registry({ auth: { ...auth, anonymousPull: true } });
    const { bytes, digest } = blob(1000);
    repository("nsn/director").blobs.set(digest, bytes);
    const store = open(`${host}/nsn/director`);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    await expect(store.putBlob(blob(1).source)).rejects.toMatchObject({
      message: `${host} wants a log-in for this.`,
      todo: expect.stringContaining(`docker login ${host}`),
    });
  });

  it("says whom it does not accept, and tries no more", async () => {
    const { host, tokens } = await registry({ auth });
    const store = open(`${host}/nsn/director`, login(host, "wrong"));
    await expect(store.tags()).rejects.toThrow(`${host} does not accept the user "octocat".`);
    expect(tokens.requests).toHaveLength(1);
  });

  it("hides passwords and tokens in the log", async () => {
    const { host } = await registry({ auth });
    const ports = testPorts();
    await open(`${host}/nsn/director`, login(host), ports).tags();
    expect(ports.masked).toEqual([user.password, "token-1"]);
  });

  it("takes an identity token for a token", async () => {
    const { host, tokens } = await registry({ auth: { ...auth, identityToken: "idt" } });
    const dockerConfig = await config({ auths: { [host]: { identitytoken: "idt" } } });
    expect(await open(`${host}/nsn/director`, { dockerConfig }).tags()).toEqual([]);
    expect(tokens.requests[0]?.method).toBe("POST");
  });
});

describe("A registry that asks for a password itself", () => {
  const auth = { ...user, scheme: "basic" as const };

  it("gets it", async () => {
    const { host } = await registry({ auth });
    const store = open(`${host}/nsn/director`, login(host));
    await putImage(store, [blob(2_000_000).source], "v1");
    expect(await store.tags()).toEqual(["v1"]);
  });

  it.each([
    ["a wrong one", "wrong"],
    ["none", undefined],
  ])("refuses %s, once", async (_, password) => {
    const { host, requests } = await registry({ auth });
    const options = password === undefined ? {} : login(host, password);
    await expect(open(`${host}/nsn/director`, options).tags()).rejects.toThrow(/401/);
    expect(requests.length).toBeLessThanOrEqual(2);
  });
});

describe("A real registry that asks for a password", () => {
  it("gets it, in the middle of everything too", async () => {
    const bcrypt = "$2b$04$fzt4BOCS7.C/TwbZtlsXPuBpY3RH25JYfSmABXylpV.Xni5kPyjjC";
    const running = await startRegistryProcess({
      htpasswd: `${user.username}:${bcrypt}`,
    });
    closing.push(running.close);
    const { host } = running;
    const store = open(`${host}/nsn/director`, { ...login(host), chunkSize: 700_000 });
    await putImage(store, [blob(2_000_000).source], "v1");
    expect(await store.tags()).toEqual(["v1"]);
    const other = open(`${host}/nsn/director`, login(host, "wrong"));
    await expect(other.tags()).rejects.toThrow(/401 \(UNAUTHORIZED/);
  });
});

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
    const programs = await helpers(host);
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

describe("Plain HTTP", () => {
  it.each<[string, boolean, string]>([
    ["127.0.0.1:5000/a", false, "http://127.0.0.1:5000"],
    ["127.9.9.9:5000/a", false, "http://127.9.9.9:5000"],
    ["localhost:5000/a", false, "http://localhost:5000"],
    ["[::1]:5000/a", false, "http://[::1]:5000"],
    ["10.0.0.1:5000/a", false, "https://10.0.0.1:5000"],
    ["127.example.com/a", false, "https://127.example.com"],
    ["localhost.example.com/a", false, "https://localhost.example.com"],
    ["registry.example:5000/a", true, "http://registry.example:5000"],
    ["docker.io/nsn/a", true, "https://registry-1.docker.io"],
  ])("for %s (asked for: %s): %s", async (place, plainHttp, origin) => {
    const seen: string[] = [];
    const offline: Fetch = async ({ url }) => {
      seen.push(url.origin);
      return reply(404, {});
    };
    await open(place, { plainHttp }, { ...testPorts(), fetch: offline }).tags();
    expect(seen).toEqual([origin]);
  });
});

function reply(status: number, headers: Record<string, string>) {
  return {
    status,
    headers,
    body: (async function* () {})(),
    text: async () => "",
    discard: async () => undefined,
  };
}

async function config(value: object | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "docker-config-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  await writeFile(join(folder, "config.json"), text);
  return folder;
}

/** Credential helpers: `test` has the log-in for this registry, `empty` has none; `absent` is not installed. */
async function helpers(host: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "helpers-"));
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
