import { describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError, UsageError } from "../../src/errors.ts";
import { answer } from "../fakes/faults.ts";
import { hubModel, resolving, spec } from "./resolving.ts";

const given = resolving();

describe("a lock that cannot be made", () => {
  it.each<[string, object, new (...args: never[]) => Error, RegExp]>([
    [
      "a pattern that fits nothing",
      hubModel("one", { files: ["*.gguf"] }),
      UsageError,
      /one: no file of nsn\/one fits "\*\.gguf"/,
    ],
    [
      "a repository that is not there",
      hubModel("none"),
      RemoteError,
      /the hub does not have it \(HTTP 404/,
    ],
    [
      "a branch that is not there",
      hubModel("one", { source: { huggingface: "nsn/one", revision: "dev" } }),
      RemoteError,
      /Invalid rev id: dev/,
    ],
    [
      "a file that is not there",
      { name: "x", source: { url: "file:///none" }, files: ["a"] },
      UsageError,
      /\/none\/a is not there/,
    ],
  ])("for %s", async (_, model, kind, message) => {
    const failure = await given.resolve({}, spec(model)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(kind);
    expect(String(failure)).toMatch(message);
  });

  it("for a hub that serves other bytes than it tells", async () => {
    given.world.faults.push({ path: "/cdn/nsn/two", does: answer(200, { body: "<html></html>" }) });
    await expect(given.resolve()).rejects.toBeInstanceOf(IntegrityError);
  });

  it("for an address that is no hub", async () => {
    given.world.faults.push({ path: "/api/", does: answer(200, { body: "<html></html>" }) });
    await expect(given.resolve()).rejects.toThrow(/did not answer as a hub does/);
  });
});
