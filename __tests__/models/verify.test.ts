import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { type VerifyOptions, verifyModels } from "../../src/models/verify.ts";
import { pulling } from "./pulling.ts";

const given = pulling();

describe("verifying", () => {
  const verify = (options: VerifyOptions) => verifyModels(given.lock, given.world.ports, options);

  it("passes a folder with the lock's bytes, and names each file that has not", async () => {
    await given.pull();
    expect((await verify({ folder: given.out })).verdict).toBe("passed");
    const path = join(given.out, "two/b.safetensors");
    writeFileSync(path, Buffer.from(readFileSync(path)).fill(1, 5000, 5001));
    writeFileSync(join(given.out, "one/sub/config.json"), "longer");
    const { verdict, files } = await verifyModels(
      {
        ...given.lock,
        models: given.lock.models.map((model) => ({
          ...model,
          files: [...model.files, { path: "gone", size: 1, sha256: "0".repeat(64) }],
        })),
      },
      given.world.ports,
      { folder: given.out },
    );
    expect(verdict).toBe("failed");
    expect(
      files
        .filter((file) => file.verdict === "failed")
        .map(({ file, reason }) => [file, reason?.slice(0, 12)]),
    ).toEqual(
      [
        ["one/sub/config.json", "has 6 bytes,"],
        ["one/gone", "is not there"],
        ["two/b.safetensors", "has sha256 4"],
        ["two/gone", "is not there"],
      ].map(([file, reason]) => [
        file,
        file === "two/b.safetensors" ? expect.stringMatching(/^has sha256/) : reason,
      ]),
    );
  });

  it("reads every byte of an image, and names the files of a layer that was changed", async () => {
    const { image, completed } = await given.image();
    expect((await verify({ image })).verdict).toBe("passed");
    const blob = join(
      given.world.folder,
      "store/blobs/sha256",
      completed.layers[1]?.digest.slice(7) ?? "",
    );
    const bytes = readFileSync(blob);
    bytes[bytes.length - 1] = 1;
    writeFileSync(blob, bytes);
    const { verdict, files } = await verify({ image });
    expect(verdict).toBe("failed");
    expect(files.map(({ file, verdict: seen }) => [file, seen])).toEqual([
      ["one/model.safetensors", "passed"],
      ["one/sub/config.json", "passed"],
      ["one/sub/other.json", "passed"],
      ["two/b.safetensors", "failed"],
    ]);
  });
});
