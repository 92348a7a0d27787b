import { setTimeout } from "node:timers/promises";
import type { Clock } from "../ports/clock.ts";

export const clock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
  random: () => Math.random(),
};
