import { amount } from "../amount.ts";
import type { Clock } from "../ports/clock.ts";
import type { Progress } from "../ports/log.ts";

const interval = 10_000;

/** Progress as plain lines, one every ten seconds; work that is faster leaves none. */
export function plainProgress(
  label: string,
  total: number | undefined,
  print: (line: string) => void,
  clock: Pick<Clock, "now">,
): Progress {
  const begun = clock.now();
  let shown = begun;
  return {
    update(done) {
      if (clock.now() - shown < interval) return;
      shown = clock.now();
      print(progressLine(label, done, total, (shown - begun) / 1000));
    },
    end: () => undefined,
  };
}

/** `clip/model.safetensors  512 MB of 1.7 GB (30 %), 88 MB/s, 14 s left` */
export function progressLine(
  label: string,
  done: number,
  total: number | undefined,
  seconds: number,
): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const speed = rate > 0 ? `, ${amount(rate)}/s` : "";
  if (total === undefined || total === 0) return `${label}  ${amount(done)}${speed}`;
  const left = rate > 0 && done < total ? `, ${Math.ceil((total - done) / rate)} s left` : "";
  return `${label}  ${amount(done)} of ${amount(total)} (${Math.floor((100 * done) / total)} %)${speed}${left}`;
}
