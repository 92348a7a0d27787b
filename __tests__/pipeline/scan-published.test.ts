import { describe, expect, it } from "@jest/globals";
import { InterruptedError, RemoteError } from "../../src/errors.ts";
import { unlessUnreadable } from "../../src/pipeline/scan-images.ts";
import { testPorts } from "../stores/ports.ts";

describe("an error about the published image", () => {
  it("is a warning that says what is not compared", () => {
    const ports = testPorts();
    const signal = new AbortController().signal;
    expect(unlessUnreadable("latest@x", { ...ports, signal })(new RemoteError("gone."))).toBe(
      undefined,
    );
    expect(ports.lines).toEqual([
      "The published image latest@x could not be scanned, so that its packages are not compared: gone.",
    ]);
  });

  it.each([
    ["of our own", new Error("a fault"), AbortSignal.any([])],
    ["that is the run's end", new InterruptedError("SIGINT"), AbortSignal.abort()],
  ])("%s stays one", (_, error, signal) => {
    expect(() => unlessUnreadable("latest@x", { ...testPorts(), signal })(error)).toThrow(error);
  });
});
