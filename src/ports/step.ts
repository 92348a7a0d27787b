/** One step of a workflow: what it was given, and what it leaves for others. */
export interface Step {
  /** Undefined where the input was not given at all. */
  input(name: string): string | undefined;
  output(name: string, value: string): void;
  /** Adds Markdown to the job summary. */
  summary(markdown: string): Promise<void>;
  /** Ends the step as failed, with an annotation. */
  fail(message: string): void;
  /** Kept for the step's post part. */
  save(name: string, value: string): void;
  saved(name: string): string;
}

/** Files that one job leaves for another. */
export interface Artifacts {
  /** Keeps files of a folder under a name, in place of an earlier attempt's; bulky ones for some days only. */
  upload(
    name: string,
    folder: string,
    files: readonly string[],
    options?: { readonly isBulky?: boolean },
  ): Promise<void>;
  /** Brings the wanted artifacts of this run into a folder; their names. */
  download(isWanted: (name: string) => boolean, folder: string): Promise<readonly string[]>;
}
