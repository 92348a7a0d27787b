import type { Clock } from "./ports/clock.ts";

/** Twelve hexadecimal digits for the name of what a run makes: runs side by side on one machine have different ones. */
export function randomId(clock: Pick<Clock, "random">): string {
  return Math.floor(clock.random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
}
