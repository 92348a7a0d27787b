import { building } from "./inputs-build.ts";
import { judging } from "./inputs-checks.ts";
import { general } from "./inputs-general.ts";

/** Every input: named once, with its default and its meaning. */
export const inputs = { ...general, ...building, ...judging };
export type InputName = keyof typeof inputs;
