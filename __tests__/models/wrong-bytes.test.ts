import { describe, expect, it } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import { answer, corruptAt, type Deed, extendBy, truncateTo } from "../fakes/faults.ts";
import { reading } from "./reading.ts";

const given = reading();

describe("bytes that are not the lock's", () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 400000\n`;
  it.each<[string, Deed, RegExp]>([
    [
      "other bytes",
      corruptAt(300_000),
      /the hub sent 400,000 bytes with sha256 [0-9a-f]{64}, the lock says [0-9a-f]{64}\./,
    ],
    [
      "fewer bytes",
      truncateTo(300_000),
      /the hub has 300,000 bytes, the lock says 400,000 bytes\./,
    ],
    [
      "fewer bytes without saying so",
      truncateTo(300_000, { chunked: true }),
      /the hub ended after 300,000 bytes/,
    ],
    ["more bytes", extendBy(5), /the hub has 400,005 bytes/],
    ["more bytes without saying so", extendBy(5, { chunked: true }), /the hub sent more bytes/],
    [
      "an HTML page",
      answer(200, { body: "<!doctype html><title>Log in</title>" }),
      /the hub sent an HTML page of 36 bytes/,
    ],
    [
      "a git-lfs pointer",
      answer(200, { body: pointer }),
      /the hub sent a git-lfs pointer of 131 bytes/,
    ],
  ])("%s end it with one message", async (_, does, message) => {
    given.world.faults.push({ path: "/cdn/", does });
    const failure = await given.read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IntegrityError);
    expect(String(failure)).toMatch(message);
    expect((failure as IntegrityError).todo).toMatch(
      /Nothing was published\..*models lock --update/,
    );
    expect(given.world.waits).toEqual([]);
  });

  it("are seen before they are read where the hub names another hash", async () => {
    const other = {
      ...given.model,
      files: given.model.files.map((file) => ({ ...file, sha256: "0".repeat(64) })),
    };
    await expect(given.read(0, other)).rejects.toThrow(
      /the hub has sha256 [0-9a-f]{64}, the lock says 0{64}\./,
    );
    expect(given.rangesAsked().length).toBeLessThanOrEqual(1);
    expect(
      given.world.hub.requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    ).toBeLessThan(400_000);
  });
});
