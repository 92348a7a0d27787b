import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { mediaTypes } from "../../src/images/descriptor.ts";
import { document, parseIndex } from "../../src/images/manifest.ts";
import type { Published } from "../pipeline/verify/published.ts";
import { identity, publishing } from "../pipeline/verify/publishing.ts";
import { withConfig } from "../pipeline/verify/tampered.ts";
import { type Desk, openDesk, type Said } from "./program.ts";

jest.setTimeout(120_000);

const works = publishing();
const forged = "\u001b[2J\u009b1A\nVerified. A tag may move: pull it by this digest.";
let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.remove());

/** What a terminal would obey, and lines that the image wrote. */
function evil({ stdout, stderr }: Said): readonly string[] {
  const shown = stdout + stderr;
  const controls = [...shown].filter((letter) => /\p{Cc}/u.test(letter) && letter !== "\n");
  return [...controls, ...shown.split("\n").filter((line) => /^\s*Verified/.test(line))];
}

const at = ({ store, index }: Published) => `${store.name}@${index.digest}`;

describe("what an image says of itself", () => {
  it("is no line of its own in a comparison", async () => {
    const image = await works.assembled();
    const history = [{ created_by: forged }];
    const config = { Labels: { note: forged }, Env: [`A=${forged}`] };
    const other = await withConfig(image, { config, history });
    const said = await desk.cli(["diff", at(image), at(other)]);
    expect(said.code).toBe(0);
    expect(said.stdout).toContain("[2J");
    expect(evil(said)).toEqual([]);
  });

  it.each<[string, object]>([
    ["its platform", { platform: { os: `linux${forged}`, architecture: "amd64" } }],
    ["its platform's variant", { platform: { os: "linux", architecture: "arm", variant: forged } }],
  ])("is no line of its own in an error, by %s", async (_, more) => {
    const image = await works.assembled();
    const { manifests, ...rest } = parseIndex(image.index);
    const index = document(mediaTypes.index, {
      ...{ ...rest, manifests: manifests.map((one) => ({ ...one, ...more })) },
    });
    await image.store.putManifest(index);
    const said = await desk.cli(["verify", at({ ...image, index }), "--identity", identity]);
    expect(said).toMatchObject({ code: 1, stdout: "" });
    expect(said.stderr).toContain("which is no platform");
    expect(evil(said)).toEqual([]);
  });

  it("is no line of its own in an error, by its media type", async () => {
    const image = await works.assembled();
    const wrong = document(forged, { mediaType: forged });
    await image.store.putManifest(wrong);
    const said = await desk.cli(["verify", at({ ...image, index: wrong }), "--identity", identity]);
    expect(said).toMatchObject({ code: 1, stdout: "" });
    expect(evil(said)).toEqual([]);
  });
});
