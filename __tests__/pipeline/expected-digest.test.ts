import { expect, it } from "@jest/globals";
import { IntegrityError } from "../../src/errors.ts";
import { digestOf } from "../../src/images/digest.ts";
import { refreshed } from "./refreshed.ts";

const given = refreshed();

it.each(["accept", "promote"])(
  "%s refuses an assemble.json that is of another image than its job made, and names both",
  async (stage) => {
    const [made, forged] = [await given.candidate("1"), await given.candidate("2")];
    const inputs = { stage, acceptance: "off", "expected-digest": made.image.digest };
    const { error, summary } = await given.promote(forged, inputs);
    expect(error).toBeInstanceOf(IntegrityError);
    expect(String(error)).toContain(
      `assemble.json is of ${forged.image.digest}, and the job assemble made ${made.image.digest}`,
    );
    expect(summary).toContain("replaced the artifact director-image-assemble");
    expect(await given.store.tags()).toEqual([]);
    expect((await given.promote(made, inputs)).error).toBeUndefined();
  },
);

it("is the candidate's, also where nothing changed and the published image is named", async () => {
  const before = await given.candidate("1", "2026-11");
  await given.promote(before, {});
  const now = await given.candidate("1", "2026-12");
  const { error, outputs } = await given.promote(now, {
    "only-changed": "true",
    "expected-digest": now.image.digest,
  });
  expect(error).toBeUndefined();
  expect(outputs["digest"]).toBe(before.image.digest);
});

it("is refused where it is no digest", async () => {
  const made = await given.candidate("1");
  const { error } = await given.promote(made, { "expected-digest": digestOf("x").slice(0, 20) });
  expect(String(error)).toMatch(/expected-digest: "sha256:\w+".*wanted: sha256: and 64/);
});
