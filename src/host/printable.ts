/**
 * Text that a log may show: a runner would take lines that begin with `::`, and `##[` anywhere, for commands; a terminal would
 * obey control characters. Masked values become `***`.
 */
export function printable(text: string, secrets: ReadonlySet<string>): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "***");
  return shown
    .replaceAll("\r\n", "\n")
    .replaceAll("\r", "\n")
    .replaceAll(/\p{Cc}/gu, (control) => (control === "\n" || control === "\t" ? control : ""))
    .replaceAll("##[", "# #[")
    .replaceAll(/^(\s*):(?=:)/gm, "$1: ");
}
