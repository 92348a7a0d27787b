/** A line for a terminal, whatever its parts are made of: an image may hold text that would begin lines of its own. Pure. */
export function asOneLine(line: string): string {
  return line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, (controls) => (/\s/.test(controls) ? " " : ""));
}
