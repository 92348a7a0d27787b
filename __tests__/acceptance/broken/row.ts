import type { CheckName } from "../../../src/acceptance/check.ts";

/** A Director that is not fit to run, and what acceptance finds. */
export interface Broken {
  /** A mode of broken.py, or a program of its own in this folder. */
  readonly name: string;
  readonly what: string;
  /** Every check that fails, with what a person reads then. */
  readonly fails: Readonly<Partial<Record<CheckName, RegExp>>>;
  /** Every check that passes; by default all others that there are for it. What neither fails nor passes is skipped. */
  readonly passes?: readonly CheckName[];
  readonly inputs?: readonly string[];
}
