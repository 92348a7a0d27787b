/** One instruction of a Dockerfile, as BuildKit reads it. */
export interface Instruction {
  /** Of its first word; the first line of the file is 1. */
  readonly line: number;
  /** In capitals. */
  readonly keyword: string;
  /** What follows the flags, its continued lines joined. */
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
  /** Which FROM it stands under, from 0; -1 before the first one. */
  readonly stage: number;
}

interface Heredoc {
  readonly name: string;
  /** Its lines, each with its end. */
  readonly content: string;
}

const comment = /^\s*(#|$)/;
const keywordAndFlags = /^\s*([A-Za-z]+)\s*((?:--\S+\s+)*)/;
const heredocWord = /(?:^|\s)\d*<<(-?)(["']?)([^\s<"']+)\2(?=\s|$)/g;
const withHeredocs = new Set(["RUN", "COPY", "ADD"]);

/** The instructions of a Dockerfile: continued lines, comments between them, heredocs, another escape character. */
export function instructionsOf(text: string): readonly Instruction[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const continued = escapeOf(lines) === "`" ? /`[ \t]*$/ : /\\[ \t]*$/;
  const found: Instruction[] = [];
  let stage = -1;
  for (let at = 0; at < lines.length; ) {
    if (comment.test(lines[at] ?? "")) {
      at++;
      continue;
    }
    const line = at + 1;
    const logical = joined(lines, at, continued);
    const [start, word = ""] = keywordAndFlags.exec(logical.text) ?? [""];
    const keyword = word.toUpperCase();
    const rest = logical.text.slice(start.length).trim();
    const documents = withHeredocs.has(keyword)
      ? heredocsOf(rest, lines, logical.next)
      : { heredocs: [], next: logical.next };
    if (keyword === "FROM") stage++;
    found.push({ line, keyword, text: rest, heredocs: documents.heredocs, stage });
    at = documents.next;
  }
  return found;
}

/** The parser directive `# escape=`, which stands before everything but other directives. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name = "", value = ""] = /^\s*#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name === "") break;
    if (name.toLowerCase() === "escape") return value;
  }
  return "\\";
}

/** One line with those that continue it; comments and empty lines between them are nothing. */
function joined(
  lines: readonly string[],
  from: number,
  continued: RegExp,
): { readonly text: string; readonly next: number } {
  let text = lines[from] ?? "";
  let next = from + 1;
  while (continued.test(text) && next < lines.length) {
    const more = lines[next] ?? "";
    if (!comment.test(more)) text = text.replace(continued, "") + more;
    next++;
  }
  return { text: text.replace(continued, ""), next };
}

function heredocsOf(
  text: string,
  lines: readonly string[],
  from: number,
): { readonly heredocs: readonly Heredoc[]; readonly next: number } {
  let next = from;
  const heredocs = [...text.matchAll(heredocWord)].map(([, dash, , name = ""]) => {
    const isEnd = (line: string) => (dash === "-" ? line.replace(/^\t+/, "") : line) === name;
    const end = lines.findIndex((line, at) => at >= next && isEnd(line));
    const body = lines.slice(next, end === -1 ? lines.length : end);
    next = end === -1 ? lines.length : end + 1;
    return { name, content: body.map((line) => `${line}\n`).join("") };
  });
  return { heredocs, next };
}
