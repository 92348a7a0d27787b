/**
 * Text that a log may show: a runner would take lines that begin with `::`, and `##[` anywhere, for commands; a terminal would
 * obey control characters. Masked values become `***`.
 */
export function printable(text: string, secrets: ReadonlySet<string>): string {
  const clean = masked(text, secrets)
    .replaceAll("\r\n", "\n")
    .replaceAll("\r", "\n")
    .replaceAll(/\p{Cc}/gu, (control) => (control === "\n" || control === "\t" ? control : ""))
    .replaceAll("##[", "# #[")
    .replaceAll(/^(\s*):(?=:)/gm, "$1: ");
  // Once more: a control character inside a value would have hidden it from the first look.
  return masked(clean, secrets);
}

function masked(text: string, secrets: ReadonlySet<string>): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "***");
  return shown;
}
