import { describe, expect, it } from "@jest/globals";
import {
  answer,
  disconnectUploadAfter,
  type Fault,
  silence,
  stallUploadAfter,
} from "../../fakes/faults.ts";
import { startRegistryProcess } from "../../fakes/registry-process.ts";
import { startProxy } from "../../fakes/registry-proxy.ts";
import { blob, collect, open, testPorts } from "../ports.ts";
import { registries } from "./registries.ts";
import { size, upload, uploads } from "./uploading.ts";

const { closing, registry } = registries();

describe("An upload to a registry", () => {
  it("goes on at the byte that the registry has", async () => {
    const running = await registry({}, [
      { method: "PATCH", nth: 1, does: disconnectUploadAfter(3_000_000) },
    ]);
    const { result, opened, ports } = await upload(running);
    expect(opened[0]).toBe(0);
    expect(opened[1]).toBeGreaterThan(2_000_000);
    expect(opened).toHaveLength(2);
    expect(result.bytesSent).toBeLessThan(size + 3_000_000);
    expect(ports.lines).toContain("Retry 2/5 in 2s...");
  });

  it("goes on as often as it comes further", async () => {
    const running = await registry({}, [
      { method: "PATCH", nth: [1, 2, 3, 4, 5, 6], does: disconnectUploadAfter(500_000) },
    ]);
    const { opened } = await upload(running);
    expect(opened).toHaveLength(7);
    expect([...opened].sort((a, b) => a - b)).toEqual(opened);
  });

  it("begins anew where the registry cannot say what it has", async () => {
    const running = await registry({ uploadStatus: "gone" }, [
      { method: "PATCH", nth: 1, does: disconnectUploadAfter(3_000_000) },
    ]);
    expect((await upload(running)).opened).toEqual([0, 0]);
  });

  it("begins anew where what the registry said it has was not the truth", async () => {
    const running = await registry({ uploadStatus: "sticky" }, [
      { method: "PATCH", nth: 1, does: disconnectUploadAfter(3_000_000) },
    ]);
    const { opened } = await upload(running);
    expect(opened[0]).toBe(0);
    expect(opened.at(-1)).toBe(0);
  });

  it("begins anew where the registry forgot it", async () => {
    const running = await registry({ forgetUploads: 1 });
    expect((await upload(running)).opened).toEqual([0, 0]);
  });

  it("is done where only the answer to its end was lost", async () => {
    const lost: Fault = {
      method: "PUT",
      nth: 1,
      does: (next) => (request, response) => {
        response.writeHead = () => response;
        response.end = () => {
          request.socket.destroy();
          return response;
        };
        next(request, response);
      },
    };
    const running = await registry({}, [lost]);
    const { opened, result } = await upload(running);
    expect(opened).toEqual([0]);
    expect(result.bytesSent).toBe(size);
  });

  it.each([
    ["429", answer(429, { headers: { "retry-after": "7" } })],
    ["503", answer(503)],
  ])("waits where the registry answers %s", async (_, busy) => {
    const running = await registry({}, [
      { method: "POST", path: uploads, nth: [1, 2], does: busy },
      { method: "PATCH", nth: 1, does: busy },
      { method: "PUT", nth: 1, does: busy },
    ]);
    const { ports } = await upload(running);
    expect(ports.waits).toHaveLength(4);
  });

  it("waits as long as the registry asks", async () => {
    const running = await registry({}, [
      { method: "PATCH", nth: 1, does: answer(429, { headers: { "retry-after": "7" } }) },
    ]);
    const { ports } = await upload(running);
    expect(ports.waits).toEqual([7000]);
    expect(ports.lines).toContain("Retry 2/5 in 7s...");
  });

  it("survives an error that comes while it is still sending, with the connection closed", async () => {
    const early: Fault = {
      method: "PATCH",
      nth: 1,
      does: () => (request, response) => {
        request.once("data", () => {
          response.writeHead(503, { connection: "close" }).end("busy");
          setTimeout(() => request.socket.destroy(), 50);
        });
      },
    };
    await upload(await registry({}, [early]));
  });

  it.each([
    ["takes no byte any more", stallUploadAfter(1_000_000)],
    ["never answers", silence()],
  ])("begins anew where the registry %s", async (_, does) => {
    const running = await registry({ uploadStatus: "gone" }, [{ method: "PATCH", nth: 1, does }]);
    const ports = testPorts();
    const { source, digest } = blob(20_000_000);
    const impatient = {
      ...ports,
      fetch: (request: Parameters<typeof ports.fetch>[0]) =>
        ports.fetch({ ...request, idleTimeout: 1500 }),
    };
    await open(`${running.host}/nsn/director`, {}, impatient).putBlob(source);
    expect(running.repository("nsn/director").blobs.has(digest)).toBe(true);
    expect(ports.lines.join()).toContain("did not answer in time");
  });

  it("gives up after five attempts that came no further", async () => {
    const running = await registry({ uploadStatus: "gone" }, [
      { method: "PATCH", does: disconnectUploadAfter(100_000) },
    ]);
    await expect(upload(running)).rejects.toThrow("Given up after 5 attempts.");
  });
});

describe("An upload that breaks on the way to a real registry", () => {
  it.each([
    ["TEST_REGISTRY_BIN", "goes on where distribution 3 says it is", true],
    ["TEST_OLD_REGISTRY_BIN", "begins anew where distribution 2.8 has lost it", false],
  ] as const)("(%s) %s", async (variable, _, resumes) => {
    const real = await startRegistryProcess({ variable });
    closing.push(real.close);
    const proxy = await startProxy(real.host, [
      { method: "PATCH", nth: 1, does: disconnectUploadAfter(3_000_000) },
    ]);
    closing.unshift(proxy.close);
    const { bytes, source, digest } = blob(size);
    const opened: number[] = [];
    const store = open(`${proxy.host}/nsn/director`);
    await store.putBlob({
      ...source,
      open: (from) => {
        opened.push(from);
        return source.open(from);
      },
    });
    expect(opened).toHaveLength(2);
    expect((opened[1] ?? 0) > 0).toBe(resumes);
    expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
  });

  it.each(["TEST_REGISTRY_BIN", "TEST_OLD_REGISTRY_BIN"] as const)(
    "(%s) is taken in chunks too",
    async (variable) => {
      const real = await startRegistryProcess({ variable });
      closing.push(real.close);
      const { bytes, source, digest } = blob(size);
      const store = open(`${real.host}/nsn/director`, { chunkSize: 1_500_000 });
      expect((await store.putBlob(source)).bytesSent).toBe(size);
      expect((await collect(store.readBlob(digest))).equals(bytes)).toBe(true);
    },
  );
});
