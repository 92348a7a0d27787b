import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../errors.ts";
import { runtimePart } from "../images/added-layers.ts";
import type { Image } from "../images/difference.ts";
import { parseReference, placeName, type Reference } from "../images/reference.ts";
import { type Compared, compare, type PlatformScan } from "../pipeline/compare.ts";
import type { Ports } from "../pipeline/ports.ts";
import { readImage } from "../pipeline/read-image.ts";
import { replaceFile } from "../replace-file.ts";
import { changesLines, changesMarkdown } from "../report/changes.ts";
import { readResults } from "../results/folder.ts";
import { parseDocument } from "../results/shape.ts";
import { type ScanResult, scanResult } from "../results/stages.ts";
import type { Command, Context, Given } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

export const diffCommand: Command = {
  name: "diff",
  summary: "what an operator gets by a newer image: bytes to pull, packages, vulnerabilities",
  example:
    "director-image diff ghcr.io/nsn/director:1.2.3 ghcr.io/nsn/director:latest --old-scan october/scan.json --new-scan november/scan.json",
  arguments: "<old> <new>",
  inputs: [...loginInputs],
  flags: [
    {
      flag: "--old-scan <file...>",
      description: "scan.json of the old image, for packages and vulnerabilities",
    },
    { flag: "--new-scan <file...>", description: "the same of the new one" },
    {
      flag: "--results <dir>",
      description: "results folder of the new image's run, in place of --new-scan",
    },
    { flag: "--out <file>", description: "also write the report there, as Markdown" },
  ],
  run: async (given, context) => {
    const { files } = context.ports;
    const notes: string[] = [];
    const folder = given.value("results");
    if (folder !== undefined && given.values("new-scan").length > 0)
      throw new UsageError("--results and --new-scan say the same: give one of them.");
    const ofRun = folder === undefined ? [] : await readResults(files, folder, "scan", scanResult);
    const [oldScans, newScans] = [
      await readScans(given.values("old-scan"), files),
      [...ofRun, ...(await readScans(given.values("new-scan"), files))],
    ];
    const [oldText = "", newText = ""] = given.arguments;
    const old = await compared(oldText, given, context);
    const now = await compared(newText, given, context);
    const looked = ofRun.flatMap(({ published }) =>
      published?.digest === old.image.digest ? published.platforms : [],
    );
    notes.push(...databaseNotes(oldScans, newScans));
    const changes = compare(
      { ...old, scans: [...matching(oldScans, old, notes), ...looked] },
      { ...now, scans: matching(newScans, now, notes) },
      notes,
    );
    const out = given.value("out");
    if (out !== undefined) await replaceFile(resolve(out), changesMarkdown(changes), files);
    return { json: changes, text: changesLines(changes) };
  },
};

type Read = Omit<Compared, "scans">;

async function compared(text: string, given: Given, context: Context): Promise<Read> {
  const reference = parseReference(text);
  const { ports, environment } = context;
  const store = openWith(reference, given, ports, environment)(reference);
  const pointer = reference.digest ?? reference.tag ?? "latest";
  const read = await readImage(pointer, store);
  return { ...read, name: nameOf(reference, read.image) };
}

function nameOf(reference: Reference, { digest }: Image): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  return `${placeName(reference)}${tag}@${digest}`;
}

async function readScans(
  paths: readonly string[],
  { readFile }: Pick<Ports["files"], "readFile">,
): Promise<readonly ScanResult[]> {
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, "utf8").catch((cause: unknown) => {
        throw new UsageError(`${path} cannot be read.`, { cause });
      });
      return parseDocument(
        scanResult,
        text,
        path,
        "It is written by: director-image scan --results",
      );
    }),
  );
}

/** The scans that looked at the image's own runtime layers; those of others are left out, and that is noted. */
function matching(
  scans: readonly ScanResult[],
  { image, name }: Read,
  notes: string[],
): readonly PlatformScan[] {
  return scans
    .flatMap(({ platforms }) => platforms)
    .filter(({ platform, diffIds }) => {
      const found = image.platforms.find((one) => one.platform === platform);
      if (found === undefined || diffIds === undefined) return found !== undefined;
      const part = runtimePart(found.manifest.layers, found.config);
      const own = part?.diffIds ?? found.config.rootfs.diff_ids;
      if (isDeepStrictEqual(diffIds, own)) return true;
      notes.push(`the scan of ${platform} looked at other layers than those of ${name}`);
      return false;
    });
}

/** A vulnerability may be new in the database, and not in the image. */
function databaseNotes(old: readonly ScanResult[], now: readonly ScanResult[]): readonly string[] {
  const dates = (scans: readonly ScanResult[]) =>
    [...new Set(scans.map(({ database }) => database?.updatedAt ?? "unknown"))].sort().join(", ");
  const [before, after] = [dates(old), dates(now)];
  return before === "" || after === "" || before === after
    ? []
    : [
        `the scans used databases of different times (${before}; ${after}): what is new may be new in the database alone`,
      ];
}
