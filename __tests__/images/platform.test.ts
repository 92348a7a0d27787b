import { expect, it } from "@jest/globals";
import { isPlatform } from "../../src/images/platform.ts";

it.each([
  ["linux/amd64", true],
  ["linux/arm/v7", true],
  ["unknown/unknown", true],
  ["windows/amd64", true],
  ["linux\nVerified. A tag may move/amd64", false],
  ["linux/amd64\n", false],
  ["linux/\u001b[2Jamd64", false],
  ["linux", false],
  ["/", false],
  ["linux/arm/v7/x", false],
  ["[object Object]/amd64", false],
])("%j as the name of a platform: %s", (name, is) => {
  expect(isPlatform(name)).toBe(is);
});
