/** Starts a program without a shell and does not wait for it. A program that cannot be started is a CommandError. */
export type Spawn = (
  command: string,
  args: readonly string[],
  options: SpawnOptions,
) => Promise<Spawned>;

interface SpawnOptions {
  /** The whole environment of the program; the job's identity (ACTIONS_ID_TOKEN_REQUEST_*) is taken out. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line of standard output and standard error as it comes, without its end. */
  readonly onLine: (line: string) => void;
}

export interface Spawned {
  /** Also the number of its session (setsid(2)), in which everything stays that it starts, unless it leaves on purpose. */
  readonly pid: number;
  /** The exit code; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>;
  /** To the program alone; false if it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): boolean;
  /**
   * Kills its process group and all others that `family` finds, until it finds no more: they are gone, and their ports free. Five seconds at
   * most.
   */
  killAll(family: () => Promise<Iterable<number>>): Promise<void>;
}
