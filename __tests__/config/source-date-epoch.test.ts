import { expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { UsageError } from "../../src/errors.ts";

const epoch = (text: string) =>
  readEnvironment({ SOURCE_DATE_EPOCH: text }, "/work").sourceDateEpoch;

it.each([
  ["", undefined],
  ["0", 0],
  ["1700000000", 1_700_000_000],
  ["253402300799", 253_402_300_799],
])("SOURCE_DATE_EPOCH=%s is %s, and a time that an image can say", (text, expected) => {
  expect(epoch(text)).toBe(expected);
  expect(new Date((expected ?? 0) * 1000).toISOString()).toMatch(/^\d{4}-/);
});

it.each([
  ["99999999999999", "after the year 9999"],
  ["253402300800", "after the year 9999"],
  ["9".repeat(400), "after the year 9999"],
  ["-1", "not a number of seconds"],
  ["1e9", "not a number of seconds"],
  ["now", "not a number of seconds"],
])("SOURCE_DATE_EPOCH=%s is refused", (text, why) => {
  expect(() => epoch(text)).toThrow(UsageError);
  expect(() => epoch(text)).toThrow(why);
});
