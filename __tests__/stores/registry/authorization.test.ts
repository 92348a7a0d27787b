import { describe, expect, it } from "@jest/globals";
import { IntegrityError } from "../../../src/errors.ts";
import { startRegistryProcess } from "../../fakes/registry-process.ts";
import { blob, collect, inPieces, open, putImage, testPorts } from "../ports.ts";
import { authorizing, login, user } from "./authorizing.ts";

const { closing, registry, config } = authorizing();

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
