import type { ScanResult } from "./stages.ts";

/** From the best to the worst. */
const order: readonly ScanResult["verdict"][] = ["passed", "skipped", "inconclusive", "failed"];

/** The first of those with the worst verdict; undefined where there are none. */
export function worst<T extends Pick<ScanResult, "verdict">>(judged: readonly T[]): T | undefined {
  const rank = ({ verdict }: T) => order.indexOf(verdict);
  return judged.reduce<T | undefined>(
    (found, one) => (found === undefined || rank(one) > rank(found) ? one : found),
    undefined,
  );
}
