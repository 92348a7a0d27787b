import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type Hub, type HubOptions, startHub } from "../../examples/miniature/hub.ts";
import { corruptAt, disconnectAfter, intercept } from "../fakes/faults.ts";

const weights = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 253));
const repositories: Readonly<Record<string, Buffer>> = {
  "owner/open/config.json": Buffer.from("{}\n"),
  "owner/open/empty.txt": Buffer.alloc(0),
  "owner/open/deep/er/model.safetensors": weights,
  "owner/open/a b#c?.bin": Buffer.from("odd"),
  "owner/gated/model.bin": weights,
};
const digest = (algorithm: string, ...parts: (Buffer | string)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest("hex");
const sha256 = digest("sha256", weights);
const model = "/owner/open/resolve/main/deep/er/model.safetensors";
const config = "/owner/open/resolve/main/config.json";

let root = "";
const running: Hub[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "hub-"));
  for (const [path, data] of Object.entries(repositories)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), data);
  }
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((hub) => hub.close()));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

async function hubWith(options: Omit<HubOptions, "root"> = {}): Promise<Hub> {
  const hub = await startHub({ root, ...options });
  running.push(hub);
  return hub;
}

async function listing(hub: Hub, query = "?blobs=true") {
  const response = await fetch(`${hub.endpoint}/api/models/owner/open/revision/main${query}`);
  return (await response.json()) as { sha: string; siblings: { rfilename: string }[] };
}

async function storageAddress(hub: Hub): Promise<string> {
  const response = await fetch(hub.endpoint + model, { redirect: "manual" });
  return response.headers.get("location") ?? "";
}

describe("the listing of a repository", () => {
  it("gives sizes, git blobs and Git LFS objects", async () => {
    const { sha, siblings } = await listing(await hubWith());
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize 100000\n`;
    expect(sha).toMatch(/^[0-9a-f]{40}$/);
    expect(siblings.map(({ rfilename }) => rfilename)).toEqual([
      "a b#c?.bin",
      "config.json",
      "deep/er/model.safetensors",
      "empty.txt",
    ]);
    expect(siblings.slice(1, 3)).toEqual([
      { rfilename: "config.json", size: 3, blobId: digest("sha1", "blob 3\0", "{}\n") },
      {
        rfilename: "deep/er/model.safetensors",
        size: 100_000,
        blobId: digest("sha1", `blob ${pointer.length}\0`, pointer),
        lfs: { sha256, size: 100_000, pointerSize: pointer.length },
      },
    ]);
  });

  it("gives names alone where blobs are not asked for", async () => {
    const { siblings } = await listing(await hubWith(), "");
    expect(siblings[1]).toEqual({ rfilename: "config.json" });
  });

  it("gives a new commit when a file changes, and keeps none of the old one", async () => {
    const hub = await hubWith();
    const before = await listing(hub);
    const path = join(root, "owner/open/added.json");
    await writeFile(path, "{}");
    const after = await listing(hub);
    await rm(path);
    expect(after.sha).not.toBe(before.sha);
    expect((await listing(hub)).sha).toBe(before.sha);
    const gone = await fetch(`${hub.endpoint}/api/models/owner/open/revision/${after.sha}`);
    expect([gone.status, gone.headers.get("x-error-code")]).toEqual([404, "RevisionNotFound"]);
  });
});

describe("a file", () => {
  it.each(["GET", "HEAD"])("that is large is a redirect to another port (%s)", async (method) => {
    const hub = await hubWith();
    const { sha } = await listing(hub);
    const response = await fetch(hub.endpoint + model, { method, redirect: "manual" });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toMatch(`${hub.cdn}/`);
    expect(hub.cdn).not.toBe(hub.endpoint);
    expect(response.headers.get("x-linked-etag")).toBe(`"${sha256}"`);
    expect(response.headers.get("x-linked-size")).toBe("100000");
    expect(response.headers.get("x-repo-commit")).toBe(sha);
  });

  it("that is small comes from the hub itself", async () => {
    const hub = await hubWith();
    const response = await fetch(hub.endpoint + config, { redirect: "error" });
    expect(await response.text()).toBe("{}\n");
    expect(response.headers.get("etag")).toBe(`"${digest("sha1", "blob 3\0", "{}\n")}"`);
    expect(response.headers.get("x-repo-commit")).toBe((await listing(hub)).sha);
  });

  it("is found by branch and by commit, and with odd letters in its name", async () => {
    const hub = await hubWith();
    const { sha } = await listing(hub);
    for (const revision of ["main", sha]) {
      const path = `${encodeURIComponent("a b#c?.bin")}`;
      const response = await fetch(`${hub.endpoint}/owner/open/resolve/${revision}/${path}`);
      expect(await response.text()).toBe("odd");
    }
  });

  it("may be empty", async () => {
    const hub = await hubWith();
    const response = await fetch(`${hub.endpoint}/owner/open/resolve/main/empty.txt`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  it.each([
    ["/owner/nothing/resolve/main/config.json", "RepoNotFound"],
    ["/api/models/owner/nothing/revision/main", "RepoNotFound"],
    ["/api/models/owner%2Fopen/revision/main", "RepoNotFound"],
    ["/", "RepoNotFound"],
    ["/owner/open/resolve/v2/config.json", "RevisionNotFound"],
    ["/owner/open/resolve/main/none.json", "EntryNotFound"],
    ["/owner/open/resolve/main/..%2F..%2Fgated%2Fmodel.bin", "EntryNotFound"],
  ])("%s is not there: %s", async (path, code) => {
    const { endpoint } = await hubWith();
    const response = await fetch(endpoint + path);
    expect([response.status, response.headers.get("x-error-code")]).toEqual([404, code]);
  });
});

describe("a range of a large file", () => {
  it.each([
    ["bytes=0-9", 206, weights.subarray(0, 10), "bytes 0-9/100000"],
    ["bytes=99990-", 206, weights.subarray(99_990), "bytes 99990-99999/100000"],
    ["bytes=-5", 206, weights.subarray(99_995), "bytes 99995-99999/100000"],
    ["bytes=99999-200000", 206, weights.subarray(99_999), "bytes 99999-99999/100000"],
    ["bytes=100000-", 416, Buffer.alloc(0), "bytes */100000"],
    ["bytes=-0", 416, Buffer.alloc(0), "bytes */100000"],
    ["bytes=5-4", 200, weights, null],
    ["bytes=0-1,4-5", 200, weights, null],
    ["lines=1-2", 200, weights, null],
  ])("%s is answered by %i", async (range, status, body, contentRange) => {
    const { endpoint } = await hubWith();
    const response = await fetch(endpoint + model, { headers: { range } });
    expect([response.status, response.headers.get("content-range")]).toEqual([
      status,
      contentRange,
    ]);
    expect(body.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
  });

  it.each([
    [`"${sha256}"`, 206],
    ['"another"', 200],
  ])("is given only if the file is still %s", async (etag, status) => {
    const { endpoint } = await hubWith();
    const headers = { range: "bytes=9-", "if-range": etag };
    expect((await fetch(endpoint + model, { headers })).status).toBe(status);
  });
});

describe("credentials", () => {
  const gated = { gated: ["owner/gated"], token: "secret" };
  const file = "/owner/gated/resolve/main/model.bin";

  it.each([
    ["no token", {}, 401, "Please log in"],
    ["a wrong token", { authorization: "Bearer wrong" }, 403, "not in the authorized list"],
  ])("a gated repository refuses %s", async (_, headers, status, text) => {
    const { endpoint } = await hubWith(gated);
    const response = await fetch(endpoint + file, { headers });
    expect([response.status, response.headers.get("x-error-code")]).toEqual([status, "GatedRepo"]);
    expect(response.headers.get("x-error-message")).toContain(text);
    expect(await response.text()).toContain("Access to model owner/gated is restricted");
  });

  it("a gated repository redirects who has the token, and says to all that it is gated", async () => {
    const { endpoint } = await hubWith(gated);
    const headers = { authorization: "Bearer secret" };
    expect((await fetch(endpoint + file, { headers, redirect: "manual" })).status).toBe(302);
    const response = await fetch(`${endpoint}/api/models/owner/gated/revision/main`);
    expect(await response.json()).toMatchObject({ gated: "auto" });
  });

  it("the storage host refuses a request that carries the hub's token, and has it on record", async () => {
    const hub = await hubWith();
    const headers = { authorization: "Bearer secret" };
    expect((await fetch(await storageAddress(hub), { headers })).status).toBe(400);
    expect(hub.requests.at(-1)).toMatchObject({ server: "cdn", status: 400, headers });
  });

  it("the storage host refuses an address that the hub did not give", async () => {
    const hub = await hubWith();
    const address = new URL(await storageAddress(hub));
    address.search = "?sha256=0";
    expect((await fetch(address)).status).toBe(403);
  });
});

describe("for a test, the hub", () => {
  it("keeps a log of what was asked and sent", async () => {
    const hub = await hubWith();
    await (await fetch(hub.endpoint + model, { headers: { range: "bytes=7-" } })).arrayBuffer();
    expect(hub.requests.map(({ server, method, status }) => [server, method, status])).toEqual([
      ["hub", "GET", 302],
      ["cdn", "GET", 206],
    ]);
    expect(hub.requests[1]).toMatchObject({ bytesSent: 99_993, headers: { range: "bytes=7-" } });
  });

  it("goes wrong by rule on either port, and logs what it really sent", async () => {
    const faults = intercept([
      { path: /^\/cdn\/.*model/, nth: 1, does: disconnectAfter(5000) },
      { path: "config.json", does: corruptAt(0) },
    ]);
    const hub = await hubWith({ intercept: faults });
    const broken = await fetch(hub.endpoint + model);
    await expect(broken.arrayBuffer()).rejects.toThrow();
    expect(hub.requests.at(-1)?.bytesSent).toBe(5000);
    expect((await (await fetch(hub.endpoint + model)).arrayBuffer()).byteLength).toBe(100_000);
    const corrupt = Buffer.from(await (await fetch(hub.endpoint + config)).arrayBuffer());
    expect(corrupt[0]).toBe("{".charCodeAt(0) ^ 0xff);
    expect(faults.met).toHaveLength(2);
  });
});
