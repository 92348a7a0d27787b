import { type Instruction, instructionsOf } from "./dockerfile.ts";

/** The line of a Dockerfile that made a layer, by what the image's history says of it; undefined where no line did. */
export type LayerLine = (createdBy: string) => number | undefined;

interface Line {
  readonly line: number;
  readonly stage: number;
  /** How much of the history's words it explains; 0: it did not make the layer. */
  fits(body: Body): number;
}

/** A history's entry without what its builder adds. */
interface Body {
  readonly keyword: string;
  readonly text: string;
}

/**
 * Reads a Dockerfile for `createdBy`. BuildKit writes variables of COPY, ADD and WORKDIR with their values, leaves out `--from`, and puts the
 * shell and the build arguments before a RUN's words. Lines of the target's own stages count; those of others only where the target stands
 * on a stage that a variable names. Pure.
 */
export function layerLines(text: string, target?: string): LayerLine {
  const instructions = instructionsOf(text);
  const { stages, isWhole } = chainOf(instructions, target);
  const lines = instructions.flatMap(lineOf);
  const own = lines.filter(({ stage }) => stages.has(stage));
  const others = isWhole ? [] : lines.filter(({ stage }) => !stages.has(stage));
  return (createdBy) => {
    const body = bodyOf(createdBy);
    return (best(own, body) ?? best(others, body))?.line;
  };
}

/** The line that explains most; of two equal ones the first. */
function best(lines: readonly Line[], body: Body): Line | undefined {
  let found: Line | undefined;
  let most = 0;
  for (const line of lines) {
    const fit = line.fits(body);
    if (fit > most) [found, most] = [line, fit];
  }
  return found;
}

/** The stages that an image is made of, and whether the last of them stands on a real image (or on nothing). */
function chainOf(
  instructions: readonly Instruction[],
  target: string | undefined,
): { readonly stages: ReadonlySet<number>; readonly isWhole: boolean } {
  const froms = instructions
    .filter(({ keyword }) => keyword === "FROM")
    .map(({ text }) => text.split(/\s+/));
  const indexOf = (name: string, before: number) => {
    const named = froms.findIndex(
      ([, , as], at) => at < before && as?.toLowerCase() === name.toLowerCase(),
    );
    if (named !== -1) return named;
    return /^\d+$/.test(name) && Number(name) < before ? Number(name) : -1;
  };
  const stages = new Set<number>();
  let stage = target === undefined ? -1 : indexOf(target, froms.length);
  if (stage === -1) stage = froms.length - 1;
  let image = "";
  while (stage >= 0) {
    stages.add(stage);
    image = froms[stage]?.[0] ?? "";
    stage = indexOf(image, stage);
  }
  return { stages, isWhole: !image.includes("$") };
}

const squeezed = (text: string) => text.replace(/\s+/g, " ").trim();

/** Also what the builder before BuildKit wrote, of which Trivy takes `/bin/sh -c #(nop)` away. */
function bodyOf(createdBy: string): Body {
  const plain = squeezed(createdBy)
    .replace(/ # buildkit$/, "")
    .replace(/^\/bin\/sh -c #\(nop\) /, "");
  const [, keyword = "RUN", text = plain] = /^(RUN|COPY|ADD|WORKDIR) (.*)$/.exec(plain) ?? [];
  return { keyword, text };
}

function lineOf(instruction: Instruction): readonly Line[] {
  const { line, stage, keyword } = instruction;
  const fits = fitOf(instruction);
  if (fits === undefined) return [];
  return [{ line, stage, fits: (body) => (body.keyword === keyword ? fits(body.text) : 0) }];
}

function fitOf(instruction: Instruction): ((text: string) => number) | undefined {
  const { keyword, text } = instruction;
  if (keyword === "RUN") return runFit(instruction);
  if (keyword === "COPY" || keyword === "ADD") return copyFit(text);
  if (keyword === "WORKDIR")
    return (entry) => Math.max(knownLetters(text, entry), knownLetters(`$BEFORE/${text}`, entry));
  return undefined;
}

/** A RUN's words end the entry; before them stand the shell, and before that the number and values of build arguments. */
function runFit(instruction: Instruction): (text: string) => number {
  const list = listOf(instruction.text);
  const words = squeezed(list?.join(" ") ?? scriptOf(instruction));
  const before =
    list === undefined ? /^$|(^|\s)(-c|-Command|\/[Cc])$|^\|\d+ .*\/bin\/sh -c$/ : /^$|^\|\d+ /;
  return (text) => {
    if (words === "" || !text.endsWith(words)) return 0;
    const head = text.slice(0, -words.length);
    return (head === "" || head.endsWith(" ")) && before.test(head.trim()) ? words.length : 0;
  };
}

function scriptOf({ text, heredocs }: Instruction): string {
  const [only] = heredocs;
  if (only !== undefined && /^\d*<<\S+$/.test(text))
    return only.content.startsWith("#!") ? `/dev/pipes/${only.name}` : only.content;
  return [text, ...heredocs.map(({ name, content }) => content + name)].join("\n");
}

/** Sources and destination in order, without flags; the builder before BuildKit says `file:<hash> in DESTINATION`. */
function copyFit(text: string): (entry: string) => number {
  const words = (listOf(text) ?? text.split(/\s+/)).map((word) =>
    word.replace(/^\d*<<-?(["']?)(.*)\1$/, "<<$2").replace(/^(["'])(.*)\1$/, "$2"),
  );
  return (entry) => {
    const plain = entry.replace(/^(--\S+ )+/, "");
    const destination = plain.replace(/^(file|dir|multi):\S+ in /, "");
    return destination === plain
      ? knownLetters(words.join(" "), plain)
      : knownLetters(words.at(-1) ?? "", destination);
  };
}

function listOf(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((word) => typeof word === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

const variable = /\\?\$(?:\w+|\{(?:[^{}]|\{[^{}]*\})*\})/;

/** Letters of a text in which a variable may stand for anything, and one more, where the entry is that text; else 0. */
function knownLetters(text: string, entry: string): number {
  const parts = text.split(variable);
  const [first = ""] = parts;
  const last = parts.length > 1 ? (parts.at(-1) ?? "") : "";
  const known = parts.join("").length;
  if (parts.length === 1) return entry === text ? known + 1 : 0;
  if (entry.length < known || !entry.startsWith(first) || !entry.endsWith(last)) return 0;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = entry.indexOf(part, at);
    if (found === -1) return 0;
    at = found + part.length;
  }
  return at + last.length <= entry.length ? known + 1 : 0;
}
