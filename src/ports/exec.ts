/** Starts a program without a shell and waits for it. A program that cannot be started is a CommandError. */
export type Exec = (
  command: string,
  args: readonly string[],
  options?: ExecOptions,
) => Promise<ExecResult>;

export interface ExecOptions {
  readonly cwd?: string;
  /** The whole environment of the program; by default the one of this process. The job's identity (ACTIONS_ID_TOKEN_REQUEST_*) is taken out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Called with each line of standard output and standard error as it comes, without its end. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** SIGTERM to the program when aborted, SIGKILL ten seconds later. */
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
