import { IntegrityError } from "../../errors.ts";
import type { Log } from "../../ports/log.ts";

/** A file came with other bytes than the lock's, and another place may have the right ones: what was read of it is void. */
export class BeginAgain extends IntegrityError {}

/** Does the work, and again from its first byte each time that a file of it came with other bytes and a place is left to ask. */
export async function beginAgain<T>(work: () => Promise<T>, log: Pick<Log, "info">): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BeginAgain)) throw error;
      log.info(error.message);
    }
  }
}
