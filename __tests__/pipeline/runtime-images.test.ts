import { describe, expect, it } from "@jest/globals";
import { digestOf } from "../../src/images/digest.ts";
import { inOrder, type Runtime } from "../../src/pipeline/runtime-images.ts";
import { open } from "../stores/ports.ts";

const store = open("oci:/nowhere");
const of = (platform: string, what = platform): Runtime => ({
  platform,
  digest: digestOf(what),
  store,
});
const both = ["linux/amd64", "linux/arm64"];
const amd64 = of("linux/amd64");
const arm64 = of("linux/arm64");

describe("runtime images for the wanted platforms", () => {
  it.each([
    ["come in the order that is wanted", [arm64, amd64], [amd64, arm64]],
    ["count once where the same is given twice", [amd64, arm64, amd64], [amd64, arm64]],
  ])("%s", (_, runtimes, expected) => expect(inOrder(runtimes, both)).toEqual(expected));

  it.each([
    [
      "with one that nobody wants",
      [amd64, arm64, of("linux/s390x")],
      "A runtime image for linux/s390x was given, which the image shall not have (platforms: linux/amd64, linux/arm64)",
    ],
    ["without one that is wanted", [amd64], "There is no runtime image for linux/arm64"],
    ["of which there are none", [], "There is no runtime image for linux/amd64"],
    [
      "of which two are for the same platform",
      [amd64, arm64, of("linux/arm64", "other")],
      `There are two runtime images for linux/arm64: ${arm64.digest} and ${digestOf("other")}`,
    ],
  ])("are refused %s", (_, runtimes, message) =>
    expect(() => inOrder(runtimes, both)).toThrow(message),
  );
});
