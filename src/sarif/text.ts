/** Words of a database or an image as one line, without control characters, cut at so many letters. */
export function plain(text: string, letters: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  const all = [...line];
  return all.length > letters ? `${all.slice(0, letters - 1).join("")}…` : line;
}

/** Plain text of a SARIF message, where brackets would be a link (SARIF 2.1.0, 3.11.6). */
export function messageText(text: string): string {
  return text.replace(/[\\[\]]/g, "\\$&");
}

/** Markdown that shows the text as it is: what a vulnerability database says is no mark-up of ours. */
export function markdownText(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>~&@]/g, "\\$&");
}

/** Addresses that may be linked; parentheses and spaces would end a link early. */
export function linkable(references: readonly string[]): readonly string[] {
  return references.flatMap((reference) => {
    if (!/^https?:\/\//.test(reference) || !URL.canParse(reference)) return [];
    return [new URL(reference).href.replaceAll("(", "%28").replaceAll(")", "%29")];
  });
}
