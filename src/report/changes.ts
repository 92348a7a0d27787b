import { amount } from "../amount.ts";
import type { Changes, PlatformChanges } from "../results/changes.ts";
import { cell, code, table } from "./markdown.ts";
import { asOneLine } from "./one-line.ts";

/** Rows of a list in the short form, which stands in a summary or an issue. */
const few = 10;

/** What an operator wants to know, short enough for a summary or an issue: bytes, packages, vulnerabilities. Pure. */
export function changesShort(changes: Changes): string {
  return changesText(changes, few);
}

/** The whole report, as `changes.md` has it. Pure. */
export function changesMarkdown(changes: Changes): string {
  const layers = changes.platforms.map(layerTable).filter((part) => part !== "");
  return `${["# What changed", changesText(changes, Number.POSITIVE_INFINITY), ...layers].join("\n\n")}\n`;
}

/** The same for a terminal. Pure. */
export function changesLines(changes: Changes): readonly string[] {
  const { why, platforms, gone, notes } = changes;
  const lines = [
    why,
    ...platforms.flatMap((one) => [
      `${one.platform}  ${pull(one)}`,
      ...(one.base === undefined ? [] : [`  base     ${one.base.from} → ${one.base.to}`]),
      ...one.layers
        .filter(({ state }) => state !== "kept")
        .map(
          ({ state, part, size, what }) =>
            `  ${state.padEnd(8)} ${part.padEnd(8)} ${amount(size).padStart(8)}  ${oneLine(what)}`,
        ),
      ...one.config.map(({ field, from, to }) => `  config   ${field}: ${arrow(from, to)}`),
      ...(one.packages ?? []).map(
        ({ package: name, from, to }) => `  package  ${name}: ${arrow(from, to)}`,
      ),
      ...vulnerabilityRows(one).map(
        ([what, severity, id, name]) =>
          `  ${what?.padEnd(8)} ${severity?.padEnd(8)} ${id}  ${name}`,
      ),
    ]),
    ...modelRows(changes).map(([what, which]) => `model    ${what}: ${which}`),
    ...gone.map((platform) => `${platform}  is no longer there`),
    ...notes,
  ];
  return lines.map((line) => asOneLine(short(line)));
}

function changesText(changes: Changes, most: number): string {
  const { why, platforms, gone, notes } = changes;
  const parts = [
    `${sentence(why)}.`,
    platforms.length === 0
      ? ""
      : table(
          ["Platform", "To pull", "Written anew", "Layers", "Packages", "Vulnerabilities"],
          platforms.map(platformRow),
        ),
    ...platforms.flatMap((one) => details(one, platforms, most)),
    list("Models", ["Change", "Model or file"], modelRows(changes), most),
    ...gone.map((platform) => `${code(platform)} is no longer there.`),
    ...notes.map((note) => `> ${cell(sentence(note))}.`),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function platformRow(one: PlatformChanges): readonly string[] {
  const { platform, bytes, layers, packages, vulnerabilities } = one;
  const count = (state: string) => layers.filter((layer) => layer.state === state).length;
  return [
    platform,
    `${amount(bytes.download)} of ${amount(bytes.total)}`,
    amount(bytes.unpack),
    `${count("kept")} kept, ${count("moved")} moved, ${count("new")} new`,
    packages === undefined ? "not compared" : `${packages.length} changed`,
    vulnerabilities === undefined
      ? "not compared"
      : `${vulnerabilities.fixed.length} fixed, ${vulnerabilities.new.length} new, ${vulnerabilities.left} left`,
  ];
}

/** Lists of one platform; those that say what a platform before it said are left out. */
function details(
  one: PlatformChanges,
  all: readonly PlatformChanges[],
  most: number,
): readonly string[] {
  const on = all.length === 1 ? "" : `, ${one.platform}`;
  const earlier = all.slice(0, all.indexOf(one));
  const unlessSaid = <T>(rows: (platform: PlatformChanges) => T): T | readonly [] =>
    earlier.some((other) => JSON.stringify(rows(other)) === JSON.stringify(rows(one)))
      ? []
      : rows(one);
  return [
    one.base === undefined ? "" : `Base${on}: ${code(one.base.from)} → ${code(one.base.to)}.`,
    list(`Settings${on}`, ["Setting", "Before", "Now"], unlessSaid(settingRows), most),
    list(`Packages${on}`, ["Package", "Before", "Now"], unlessSaid(packageRows), most),
    list(
      `Vulnerabilities${on}`,
      ["", "Severity", "Vulnerability", "Package"],
      unlessSaid(vulnerabilityRows).map((row) => row.map(cell)),
      most,
    ),
  ];
}

function list(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  most: number,
): string {
  if (rows.length === 0) return "";
  const left = rows.length - Math.min(rows.length, most);
  const more = left === 0 ? "" : `\n\n${left} more are in changes.md.`;
  return `**${title}**\n\n${table(head, rows.slice(0, most))}${more}`;
}

function settingRows({ config }: PlatformChanges): readonly (readonly string[])[] {
  return config.map(({ field, from, to }) => [code(field), ...[from, to].map(setting)]);
}

function setting(text: string | undefined): string {
  return text === undefined ? "(not set)" : code(text);
}

function packageRows({ packages = [] }: PlatformChanges): readonly (readonly string[])[] {
  return packages.map(({ package: name, from, to }) => [
    code(name),
    cell(from ?? "(new)"),
    cell(to ?? "(gone)"),
  ]);
}

function vulnerabilityRows({ vulnerabilities }: PlatformChanges): readonly (readonly string[])[] {
  const { fixed = [], new: added = [] } = vulnerabilities ?? {};
  const row = (what: string) => (one: (typeof fixed)[number]) => [
    ...[what, one.severity, one.id, `${one.package} ${one.installed}`],
  ];
  return [...added.map(row("new")), ...fixed.map(row("fixed"))];
}

function modelRows({ models }: Changes): readonly (readonly string[])[] {
  if (models === undefined) return [];
  const size = (bytes: number | undefined) => (bytes === undefined ? "" : ` (${amount(bytes)})`);
  return [
    ...models.revisions.map(({ model, from, to }) => [
      ...["revision", cell(`${model}: ${from.slice(0, 12)} → ${to.slice(0, 12)}`)],
    ]),
    ...models.deliveries.map(({ model, from, to }) => [
      "delivery",
      cell(`${model}: ${from} → ${to}`),
    ]),
    ...models.files.map(({ file, change, from, to }) => [
      change,
      cell(`${file}${size(to ?? from)}`),
    ]),
  ];
}

function layerTable({ platform, layers, gone }: PlatformChanges): string {
  const rows = [
    ...layers.filter(({ state }) => state !== "kept"),
    ...gone.map((layer) => ({ ...layer, state: "gone" })),
  ].map(({ state, part, size, what, digest }) => [
    ...[state, part, amount(size), code(oneLine(what)), code(digest)],
  ]);
  const head = ["State", "Part", "Size", "What", "Digest"];
  return rows.length === 0 ? "" : `## Layers of ${platform}\n\n${table(head, rows)}`;
}

function pull({ bytes, from }: PlatformChanges): string {
  const what = `${amount(bytes.download)} to pull of ${amount(bytes.total)}, ${amount(bytes.unpack)} written anew`;
  return from === undefined ? `${what} (a new platform)` : what;
}

function arrow(from: string | undefined, to: string | undefined): string {
  return `${from ?? "(none)"} → ${to ?? "(none)"}`;
}

/** A history's entry on one line, cut. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** A digest's first digits are enough for a person. */
function short(text: string): string {
  return text.replaceAll(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1…");
}

function sentence(text: string): string {
  return cell(text).replace(/^./, (letter) => letter.toUpperCase());
}
