import { describe, expect, it } from "@jest/globals";
import { chunkSize, metTimeLimit, resumeAt } from "../../../src/stores/registry/upload-plan.ts";

describe("An upload goes on", () => {
  it.each<[string, string | undefined, number, number | undefined]>([
    ["after the last byte that the registry has", "0-999", 2000, 1000],
    ["at the end, where all of it arrived", "0-1999", 2000, 2000],
    ["not beyond what was sent", "0-2000", 2000, undefined],
    ["not at 0-0, which is also said of nothing", "0-0", 2000, undefined],
    ["not without a range", undefined, 2000, undefined],
    ["not from another beginning", "5-999", 2000, undefined],
    ["not from nonsense", "bytes", 2000, undefined],
    ["also where the unit is named", "bytes=0-999", 2000, 1000],
  ])("%s", (_, range, sent, expected) => expect(resumeAt(range, sent)).toBe(expected));
});

describe("A PATCH carries", () => {
  const MiB = 1024 * 1024;
  const none = { asked: undefined, least: undefined, timedOut: false };
  it.each<[string, Parameters<typeof chunkSize>[0], number | undefined]>([
    ["all, by default", none, undefined],
    ["4 MiB after a time-out", { ...none, timedOut: true }, 4 * MiB],
    ["4 MiB where the registry names a smaller least chunk", { ...none, least: 5000 }, 4 * MiB],
    ["the registry's least chunk where that is more", { ...none, least: 16 * MiB }, 16 * MiB],
    ["what the caller asks for", { ...none, asked: 1000 }, 1000],
    ["not less than the registry takes", { ...none, asked: 1000, least: 5000 }, 5000],
  ])("%s", (_, given, expected) => expect(chunkSize(given)).toBe(expected));
});

describe("A failed request met a limit of time", () => {
  const none = { status: undefined, code: undefined, milliseconds: 1000 };
  it.each<[string, Parameters<typeof metTimeLimit>[0], boolean]>([
    ["when it took nine minutes", { ...none, milliseconds: 540_000 }, true],
    ["when the answer says so", { ...none, status: 504 }, true],
    ["when the other side fell silent", { ...none, code: "UND_ERR_HEADERS_TIMEOUT" }, true],
    ["not when the connection broke", { ...none, code: "ECONNRESET" }, false],
    ["not when it was refused", { ...none, status: 403 }, false],
  ])("%s", (_, given, expected) => expect(metTimeLimit(given)).toBe(expected));
});
