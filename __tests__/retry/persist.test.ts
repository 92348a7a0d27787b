import { describe, expect, it } from "@jest/globals";
import { PassingError } from "../../src/retry/passing.ts";
import { persist } from "../../src/retry/persist.ts";
import { testPorts } from "../stores/ports.ts";

describe("Work that fails for a passing reason", () => {
  it("is tried five times, each wait announced and twice as long, then given up", async () => {
    const ports = testPorts();
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw new PassingError("The registry is busy.");
    };
    await expect(persist(work, ports)).rejects.toThrow(
      "The registry is busy. Given up after 5 attempts.",
    );
    expect(tries).toBe(5);
    expect(ports.waits).toEqual([2000, 4000, 8000, 16_000]);
    expect(ports.lines.filter((line) => line.startsWith("Retry"))).toEqual([
      "Retry 2/5 in 2s...",
      "Retry 3/5 in 4s...",
      "Retry 4/5 in 8s...",
      "Retry 5/5 in 16s...",
    ]);
  });

  it("is counted anew when it came further than before", async () => {
    const ports = testPorts();
    let done = 0;
    const work = async () => {
      done += 1;
      if (done < 9) throw new PassingError("The connection broke.");
      return done;
    };
    expect(await persist(work, ports, { progress: () => done })).toBe(9);
    expect(new Set(ports.waits)).toEqual(new Set([2000]));
  });

  it("stops waiting when told to", async () => {
    const stop = new AbortController();
    const work = async () => {
      stop.abort(new Error("told to stop"));
      throw new PassingError("The connection broke.");
    };
    await expect(persist(work, testPorts(), { signal: stop.signal })).rejects.toThrow(
      "told to stop",
    );
  });

  it("is not tried again within an outer try", async () => {
    let tries = 0;
    const inner = () =>
      persist(async () => {
        tries += 1;
        throw new PassingError("The registry is busy.");
      }, testPorts());
    await expect(persist(inner, testPorts())).rejects.toThrow("Given up after 5 attempts.");
    expect(tries).toBe(5);
  });
});
