import { expect, it } from "@jest/globals";
import { formatDate } from "../../src/metadata/date-format.ts";

const afternoon = Date.UTC(2020, 0, 10, 15, 25, 50, 123);

it.each([
  ["YYYYMMDD", "UTC", "20200110"],
  ["dddd, MMMM Do YYYY, h:mm:ss a", "UTC", "Friday, January 10th 2020, 3:25:50 pm"],
  ["YYYYMMDD-HHmmss", "Asia/Tokyo", "20200111-002550"],
  ["YYYY-MM-DDTHH:mm:ss.SSS[Z]", "UTC", "2020-01-10T15:25:50.123Z"],
  ["Z ZZ", "Asia/Kolkata", "+05:30 +0530"],
  ["HH:mm Z", "America/New_York", "10:25 -05:00"],
  ["YY M D d E Q DDD DDDD", "UTC", "20 1 10 5 5 1 10 010"],
  ["GGGG-[W]WW", "UTC", "2020-W02"],
  ["H hh A S SS X", "UTC", "15 03 PM 1 12 1578669950"],
])("%s in %s is %s", (format, zone, expected) => {
  expect(formatDate(afternoon, format, zone)).toBe(expected);
});

it.each([
  ["2021-01-01", "2020-53"],
  ["2024-12-30", "2025-01"],
  ["2026-11-24", "2026-48"],
])("%s is in the ISO week %s", (date, week) => {
  expect(formatDate(Date.parse(date), "GGGG-WW")).toBe(week);
});

it.each([
  [1, "1st"],
  [2, "2nd"],
  [3, "3rd"],
  [11, "11th"],
  [13, "13th"],
  [22, "22nd"],
])("day %i is the %s", (day, expected) => {
  expect(formatDate(Date.UTC(2020, 0, day), "Do")).toBe(expected);
});
