import { UsageError } from "../errors.ts";

const months =
  "January February March April May June July August September October November December".split(
    " ",
  );
const weekdays = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const day = 86_400_000;

/** A moment in a time zone: `wall` has that zone's clock on its UTC fields. */
interface Moment {
  readonly time: number;
  readonly wall: Date;
  /** Minutes that the zone is ahead of UTC. */
  readonly offset: number;
}

const tokens: Readonly<Record<string, (at: Moment) => string | number>> = {
  YYYY: ({ wall }) => pad(wall.getUTCFullYear(), 4),
  YY: ({ wall }) => pad(wall.getUTCFullYear() % 100),
  Q: ({ wall }) => Math.floor(wall.getUTCMonth() / 3) + 1,
  MMMM: ({ wall }) => months[wall.getUTCMonth()] ?? "",
  MMM: ({ wall }) => (months[wall.getUTCMonth()] ?? "").slice(0, 3),
  MM: ({ wall }) => pad(wall.getUTCMonth() + 1),
  Mo: ({ wall }) => ordinal(wall.getUTCMonth() + 1),
  M: ({ wall }) => wall.getUTCMonth() + 1,
  DDDD: ({ wall }) => pad(dayOfYear(wall), 3),
  DDD: ({ wall }) => dayOfYear(wall),
  DD: ({ wall }) => pad(wall.getUTCDate()),
  Do: ({ wall }) => ordinal(wall.getUTCDate()),
  D: ({ wall }) => wall.getUTCDate(),
  dddd: ({ wall }) => weekdays[wall.getUTCDay()] ?? "",
  ddd: ({ wall }) => (weekdays[wall.getUTCDay()] ?? "").slice(0, 3),
  dd: ({ wall }) => (weekdays[wall.getUTCDay()] ?? "").slice(0, 2),
  d: ({ wall }) => wall.getUTCDay(),
  E: ({ wall }) => wall.getUTCDay() || 7,
  GGGG: ({ wall }) => isoWeek(wall).year,
  WW: ({ wall }) => pad(isoWeek(wall).week),
  W: ({ wall }) => isoWeek(wall).week,
  HH: ({ wall }) => pad(wall.getUTCHours()),
  H: ({ wall }) => wall.getUTCHours(),
  hh: ({ wall }) => pad(wall.getUTCHours() % 12 || 12),
  h: ({ wall }) => wall.getUTCHours() % 12 || 12,
  kk: ({ wall }) => pad(wall.getUTCHours() || 24),
  k: ({ wall }) => wall.getUTCHours() || 24,
  mm: ({ wall }) => pad(wall.getUTCMinutes()),
  m: ({ wall }) => wall.getUTCMinutes(),
  ss: ({ wall }) => pad(wall.getUTCSeconds()),
  s: ({ wall }) => wall.getUTCSeconds(),
  SSS: ({ wall }) => pad(wall.getUTCMilliseconds(), 3),
  SS: ({ wall }) => pad(Math.floor(wall.getUTCMilliseconds() / 10)),
  S: ({ wall }) => Math.floor(wall.getUTCMilliseconds() / 100),
  A: ({ wall }) => (wall.getUTCHours() < 12 ? "AM" : "PM"),
  a: ({ wall }) => (wall.getUTCHours() < 12 ? "am" : "pm"),
  ZZ: ({ offset }) => zone(offset, ""),
  Z: ({ offset }) => zone(offset, ":"),
  X: ({ time }) => Math.floor(time / 1000),
  x: ({ time }) => time,
};

const pattern = new RegExp(`\\[([^\\]]*)\\]|${Object.keys(tokens).join("|")}`, "g");

/**
 * A time (milliseconds since 1970) in a format of moment.js (`YYYYMMDD-HHmmss`, English, text in `[…]` as it is) and an IANA time zone.
 * A zone that does not exist is a UsageError.
 */
export function formatDate(time: number, format: string, timeZone = "UTC"): string {
  const offset = offsetOf(time, timeZone);
  const at = { time, wall: new Date(time + offset * 60_000), offset };
  return format.replace(pattern, (token, text: string | undefined) =>
    text === undefined ? String(tokens[token]?.(at) ?? token) : text,
  );
}

function offsetOf(time: number, timeZone: string): number {
  let formatter: Intl.DateTimeFormat;
  try {
    formatter = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch (cause) {
    throw new UsageError(`"${timeZone}" is not a time zone; wanted one such as Asia/Tokyo.`, {
      cause,
    });
  }
  const name = formatter.formatToParts(time).find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(name ?? "") ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

function ordinal(value: number): string {
  const teen = value % 100 >= 11 && value % 100 <= 13;
  return `${value}${(teen ? undefined : ["th", "st", "nd", "rd"][value % 10]) ?? "th"}`;
}

function zone(offset: number, colon: string): string {
  const minutes = Math.abs(offset);
  return `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}${colon}${pad(minutes % 60)}`;
}

function dayOfYear(wall: Date): number {
  return Math.floor((wall.getTime() - Date.UTC(wall.getUTCFullYear(), 0, 1)) / day) + 1;
}

/** ISO 8601: the week of a date is that of its Thursday. */
function isoWeek(wall: Date): { year: number; week: number } {
  const thursday = new Date(wall.getTime() + (4 - (wall.getUTCDay() || 7)) * day);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) };
}
