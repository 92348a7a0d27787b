import { describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../../src/errors.ts";
import { answer } from "../../fakes/faults.ts";
import type { FakeRegistry } from "../../fakes/registry.ts";
import { blob, open } from "../ports.ts";
import { registries } from "./registries.ts";
import { size, upload, uploads } from "./uploading.ts";

const { registry } = registries();
const methods = ({ requests }: FakeRegistry) => requests.map(({ method }) => method).join(" ");

describe("An upload to a registry", () => {
  it("is one PATCH without a range", async () => {
    const running = await registry();
    const { result } = await upload(running);
    expect(methods(running)).toBe("POST PATCH PUT");
    expect(running.requests[1]?.contentRange).toBeUndefined();
    expect(result.bytesSent).toBe(size);
  });

  it.each(["relative", "absolute", "query", "other-host"] as const)(
    "goes to places that are written %s and change with every answer",
    async (location) => {
      await upload(await registry({ location }), { chunkSize: 1_000_000 });
    },
  );

  it("is sent in chunks where that is asked for", async () => {
    const running = await registry();
    await upload(running, { chunkSize: 2_000_000 });
    expect(running.requests.flatMap(({ contentRange }) => contentRange ?? [])).toEqual([
      "0-1999999",
      "2000000-3999999",
      "4000000-4999999",
    ]);
  });

  it("is sent in the chunks that the registry wants", async () => {
    const running = await registry({ leastChunk: 4_500_000 });
    await upload(running);
    expect(running.requests.flatMap(({ contentRange }) => contentRange ?? [])).toEqual([
      "0-4499999",
      "4500000-4999999",
    ]);
  });

  it("is sent in chunks of 4 MiB after a time-out, which GHCR takes", async () => {
    const running = await registry({ longestRangedPatch: 4 * 1024 * 1024 }, [
      { method: "PATCH", nth: 1, does: answer(504) },
    ]);
    await upload(running);
    expect(running.requests.flatMap(({ contentRange }) => contentRange ?? [])).toEqual([
      "0-4194303",
      "4194304-4999999",
    ]);
  });

  it("uses the upload that a refused mount has begun", async () => {
    const running = await registry({ mount: "accepted" });
    const { source, digest } = blob(size);
    const store = open(`${running.host}/nsn/director`);
    expect(await store.mountBlob(digest, `${running.host}/nsn/models`)).toBe(false);
    await store.putBlob(source);
    expect(methods(running)).toBe("POST PATCH PUT");
  });

  it("is taken back when it is stopped", async () => {
    const running = await registry();
    const { source } = blob(size);
    const stop = new AbortController();
    const put = open(`${running.host}/nsn/director`).putBlob(source, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("told to stop")),
    });
    await expect(put).rejects.toThrow("told to stop");
    expect(methods(running)).toContain("DELETE");
    expect(running.uploadsOpen()).toBe(0);
  });

  it("ends with the registry's own words where it is refused, without another try", async () => {
    const running = await registry({ readOnly: true });
    const put = upload(running);
    await expect(put).rejects.toThrow(RemoteError);
    await expect(put).rejects.toThrow(/403 \(DENIED: denied\)/);
    expect(methods(running)).toBe("POST");
  });

  it("shows what a stranger's error page says in one clean line", async () => {
    const page = `<html>\u001b[31m\r\n::error::${"x".repeat(5000)}</html>`;
    const running = await registry({}, [
      { method: "POST", path: uploads, does: answer(413, { body: page }) },
    ]);
    const message = await upload(running).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(message).toContain("413 (<html> [31m ::error::xxx");
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(600);
  });

  it("is an IntegrityError where the registry twice has other bytes than were sent", async () => {
    const body = JSON.stringify({ errors: [{ code: "DIGEST_INVALID", message: "digest" }] });
    const running = await registry({}, [{ method: "PUT", does: answer(400, { body }) }]);
    await expect(upload(running)).rejects.toThrow(IntegrityError);
  });
});
