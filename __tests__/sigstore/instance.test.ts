import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { files } from "../../src/host/files.ts";
import { sigstoreInstance } from "../../src/sigstore/instance.ts";
import { trustedRoot } from "../../src/sigstore/trusted-root.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "instance-"));
  await writeFile(join(folder, "root.json"), '{"tlogs":[]}');
});
afterAll(() => rm(folder, { recursive: true }));

const given = async (value: object | string) => {
  const path = join(folder, "sigstore.json");
  await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
  return sigstoreInstance(path, files);
};
const own = { fulcio: "https://f.example", rekor: "https://r.example", trustedRoot: "root.json" };

it("is the public good one unless a file names another", async () => {
  const { fulcio, rekor, root } = await sigstoreInstance(undefined, files);
  expect([fulcio.href, rekor.href]).toEqual([
    "https://fulcio.sigstore.dev/",
    "https://rekor.sigstore.dev/",
  ]);
  expect(root).toBe(trustedRoot);
});

it("has its trusted root beside the file that names it", async () => {
  const { fulcio, root } = await given(own);
  expect(fulcio.href).toBe("https://f.example/");
  expect(root).toEqual({ tlogs: [] });
});

it.each<[string, object | string, string]>([
  ["no JSON", "fulcio", "cannot be read as JSON"],
  ["no log", { ...own, rekor: undefined }, "rekor"],
  ["a field that nobody knows", { ...own, tsa: "https://t.example" }, "tsa"],
  ["a token in the open", { ...own, fulcio: "http://f.example" }, 'fulcio: "http://f.example"'],
  ["no address", { ...own, rekor: "rekor" }, 'rekor: "rekor" is no address'],
  ["a root that is not there", { ...own, trustedRoot: "none.json" }, "none.json"],
])("is refused with %s", async (_, value, message) => {
  await expect(given(value)).rejects.toThrow(UsageError);
  await expect(given(value)).rejects.toThrow(message);
});
