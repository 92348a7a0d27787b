/** What a format's reader throws: the rule that a file breaks, and where. Bytes that end too early break the rule `truncated`. */
export class Refused extends Error {
  readonly rule: string;
  readonly at: number;
  readonly what: string;

  /** `at` is the offset in the file; `what` completes the sentence "byte 12, …". */
  constructor(rule: string, at: number, what: string) {
    super(`byte ${at.toLocaleString("en-US")}, ${what}`);
    this.rule = rule;
    this.at = at;
    this.what = what;
  }
}
