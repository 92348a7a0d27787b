import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "@jest/globals";
import { readEntries } from "../../src/assembly/layer-entries.ts";
import type { LayerEntry } from "../../src/assembly/refusal.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";

const folder = mkdtempSync(join(tmpdir(), "layer-entries-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function entriesOf(mediaType: string, bytes: Uint8Array): Promise<LayerEntry[]> {
  const found: LayerEntry[] = [];
  async function* inPieces() {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }
  await readEntries({ mediaType, digest: "sha256:x" }, inPieces(), (entry) => found.push(entry));
  return found;
}

const owner = { uid: 1000, gid: 1001 };

describe("the entries of a layer", () => {
  const long = `${"deep/".repeat(40)}file`;
  mkdirSync(join(folder, "in", "deep/".repeat(40)), { recursive: true });
  writeFileSync(join(folder, "in", long), "x".repeat(5000));
  execFileSync("ln", [join(folder, "in", long), join(folder, "in", "hard")]);
  execFileSync("ln", ["-s", "/models", join(folder, "in", "soft")]);

  it.each(["gnu", "pax", "posix"])(
    "are read from a tar that GNU tar wrote as %s, long names and links included",
    async (format) => {
      execFileSync("tar", [
        `--format=${format}`,
        "--sort=name",
        "--owner=1000",
        "--group=1001",
        "--numeric-owner",
        "-cf",
        join(folder, "layer.tar"),
        "-C",
        join(folder, "in"),
        ".",
      ]);
      const tar = readFileSync(join(folder, "layer.tar"));
      const plain = await entriesOf(mediaTypes.tar, tar);
      expect(plain).toContainEqual({ path: `./${long}`, type: "file", mode: 0o644, ...owner });
      expect(plain).toContainEqual({
        path: "./hard",
        type: "link",
        mode: 0o644,
        ...owner,
        link: `./${long}`,
      });
      expect(plain).toContainEqual({
        path: "./soft",
        type: "symlink",
        mode: 0o777,
        ...owner,
        link: "/models",
      });
      expect(await entriesOf(mediaTypes.tarGzip, gzipSync(tar))).toEqual(plain);
    },
  );

  it("cannot be read from bytes that are no gzip, or end too early", async () => {
    await expect(entriesOf(mediaTypes.tarGzip, Buffer.alloc(600, 7))).rejects.toThrow(
      "cannot be read as application/vnd.oci.image.layer.v1.tar+gzip",
    );
    await expect(
      entriesOf(mediaTypes.tarGzip, gzipSync(Buffer.alloc(1e5, 7)).subarray(0, 50)),
    ).rejects.toThrow("cannot be read");
  });

  it("are read no further when one is refused, whatever its contents", async () => {
    execFileSync("tar", [
      "-cf",
      join(folder, "refused.tar"),
      "-C",
      join(folder, "in", "deep"),
      ".",
    ]);
    const bytes = readFileSync(join(folder, "refused.tar"));
    async function* once() {
      yield bytes;
    }
    const refuse = ({ type }: LayerEntry) => {
      if (type === "file") throw new Error("no files");
    };
    await expect(
      readEntries({ mediaType: mediaTypes.tar, digest: "sha256:x" }, once(), refuse),
    ).rejects.toThrow("no files");
    await setImmediate(); // an error that nobody hears would come now
  });

  it("are not read from a media type that is not known", async () => {
    await expect(entriesOf("application/x-other", Buffer.alloc(0))).rejects.toThrow("not known");
  });
});
