/** A metric family of a page of metrics. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  /** With its suffix: `_total`, `_bucket`, … */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Format = "prometheus" | "openmetrics";

const suffixes: Readonly<Record<Format, Readonly<Record<string, readonly string[]>>>> = {
  prometheus: {
    counter: [""],
    gauge: [""],
    untyped: [""],
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
  },
  openmetrics: {
    counter: ["_total", "_created"],
    gauge: [""],
    unknown: [""],
    histogram: ["_bucket", "_sum", "_count", "_created"],
    summary: ["", "_sum", "_count", "_created"],
    info: ["_info"],
    stateset: [""],
    gaugehistogram: ["_bucket", "_gsum", "_gcount"],
  },
};

const metricName = "[a-zA-Z_:][a-zA-Z0-9_:]*";
/** What is between braces: a value in quotes may hold a brace itself. */
const braced = `(?:[^"}]|"(?:[^"\\\\]|\\\\.)*")*`;
const timestamp: Readonly<Record<Format, string>> = {
  prometheus: "-?\\d+",
  openmetrics: "[+-]?[\\d.]+(?:[eE][+-]?\\d+)?",
};
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/**
 * Reads a page of metrics strictly: Prometheus text 0.0.4 or OpenMetrics 1.0. An Error names the line that breaks the format. Every sample
 * must belong to a family that was declared before it, families do not interleave, histograms are cumulative and end in `+Inf`.
 */
export function parseExposition(text: string, format: Format): readonly Family[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line has no line feed");
  if (format === "openmetrics" && lines.pop() !== "# EOF")
    throw new Error("an OpenMetrics page ends with # EOF");
  const page: Page = { format, families: new Map(), current: undefined };
  for (const [at, line] of lines.entries())
    takeLine(page, line, (what) => new Error(`line ${at + 1}, "${line.slice(0, 120)}": ${what}`));
  for (const family of page.families.values()) checkValues(family);
  return [...page.families.values()];
}

interface Open {
  readonly name: string;
  type: string;
  readonly samples: Sample[];
}

interface Page {
  readonly format: Format;
  readonly families: Map<string, Open>;
  current: Open | undefined;
}

type Wrong = (what: string) => Error;

function takeLine(page: Page, line: string, wrong: Wrong): void {
  const strict = page.format === "openmetrics";
  if (line === "") {
    if (strict) throw wrong("empty lines are not allowed");
    return;
  }
  if (!line.startsWith("#")) {
    takeSample(page, line, wrong);
    return;
  }
  const [, word = "", name = "", value = ""] =
    /^# (HELP|TYPE|UNIT) (\S+)(?: (.*))?$/.exec(line) ?? [];
  if (word !== "") takeDeclaration(page, { word, name, value }, wrong);
  else if (strict) throw wrong("only HELP, TYPE, UNIT and EOF may be commented");
}

function takeDeclaration(
  page: Page,
  { word, name, value }: { word: string; name: string; value: string },
  wrong: Wrong,
): void {
  if (!new RegExp(`^${metricName}$`).test(name)) throw wrong("this is no name of a metric");
  if (page.current?.name !== name) {
    if (page.families.has(name)) throw wrong("the family's lines are not together");
    const type = page.format === "prometheus" ? "untyped" : "unknown";
    page.current = { name, type, samples: [] };
    page.families.set(name, page.current);
  }
  if (word !== "TYPE") return;
  if (page.current.samples.length > 0) throw wrong("TYPE comes after a sample");
  if (!Object.hasOwn(suffixes[page.format], value)) throw wrong(`there is no type "${value}"`);
  page.current.type = value;
}

function takeSample({ current, format }: Page, line: string, wrong: Wrong): void {
  const sample = parseSample(line, format, wrong);
  if (current === undefined) throw wrong("no family was declared before");
  const { name, type, samples } = current;
  const endings = suffixes[format][type] ?? [];
  if (!endings.some((ending) => name + ending === sample.name))
    throw wrong(`this is no sample of the ${type} ${name}`);
  const key = keyOf(sample);
  if (samples.some((other) => keyOf(other) === key)) throw wrong("it is there twice");
  samples.push(sample);
}

function parseSample(line: string, format: Format, wrong: (what: string) => Error): Sample {
  const [, name = "", inner, rest = ""] =
    new RegExp(`^(${metricName})(?:\\{(${braced})\\})? (.*)$`).exec(line) ?? [];
  if (name === "") throw wrong("this is no sample");
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  for (let left = inner ?? ""; left !== ""; ) {
    labelPair.lastIndex = 0;
    const match = labelPair.exec(left);
    if (match === null) throw wrong("its labels cannot be read");
    const [whole, label = "", value = ""] = match;
    if (Object.hasOwn(labels, label)) throw wrong(`the label ${label} is there twice`);
    labels[label] = value.replace(/\\(["\\n])/g, (_, it: string) => (it === "n" ? "\n" : it));
    left = left.slice(whole.length);
  }
  const time = `(?: ${timestamp[format]})?`;
  const exemplar = format === "openmetrics" ? `(?: # \\{${braced}\\} \\S+${time})?` : "";
  const text = new RegExp(`^(\\S+)${time}${exemplar}$`).exec(rest)?.[1];
  const value = numberOf(text ?? "");
  if (text === undefined || value === undefined) throw wrong("its value is no number");
  return { name, labels, value };
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (text === "NaN") return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}

/** What a type promises of its values. */
function checkValues({ name, type, samples }: Family): void {
  if (type === "counter" && samples.some(({ value }) => !(value >= 0)))
    throw new Error(`the counter ${name} has a value that is not 0 or more`);
  if (type !== "histogram") return;
  for (const key of new Set(samples.map(seriesOf))) {
    const all = samples.filter((sample) => seriesOf(sample) === key);
    const buckets = all.filter((one) => one.name === `${name}_bucket`);
    const count = all.find((one) => one.name === `${name}_count`);
    checkBuckets(name, buckets, count?.value);
  }
}

function checkBuckets(name: string, buckets: readonly Sample[], count: number | undefined): void {
  const bounds = buckets.map(({ labels }) => numberOf(labels["le"] ?? "") ?? Number.NaN);
  const pairs = bounds.slice(1).map((bound, at) => [bounds[at] ?? 0, bound] as const);
  if (!pairs.every(([low, high]) => low < high) || bounds.at(-1) !== Infinity)
    throw new Error(`the buckets of ${name} do not rise to le="+Inf"`);
  const values = buckets.map(({ value }) => value);
  if (values.some((value, at) => value < (values[at - 1] ?? 0)))
    throw new Error(`the buckets of ${name} are not cumulative`);
  if (count !== values.at(-1)) throw new Error(`the count of ${name} is not its last bucket`);
}

/** The labels of a sample without its bucket's bound. */
function seriesOf({ labels: { le: _le, ...labels } }: Sample): string {
  return JSON.stringify(Object.entries(labels).sort());
}
