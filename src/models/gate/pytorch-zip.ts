import { amount, type Input, type Reading } from "./input.ts";
import { pickle } from "./pickle.ts";
import { Storages } from "./pytorch-storages.ts";
import { Refused } from "./refused.ts";
import { directory } from "./zip-directory.ts";
import {
  descriptor,
  descriptorFlag,
  type Entry,
  type Header,
  localHeader,
  signatures,
} from "./zip-records.ts";

/** Entries that one file may have. */
const mostEntries = 2 ** 16;

/** Beside the pickle and the storages: a few bytes each. */
const smallEntries: ReadonlySet<string> = new Set([
  ...["version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"],
]);
const longestSmall = 64;

/** Whether an entry's name is one that torch.save gives: below a folder. */
export function isTorchName(name: string): boolean {
  return (
    /^[^/]+\/(?:data\.pkl|data\/\d{1,20})$/.test(name) ||
    (name.includes("/") && smallEntries.has(below(name)))
  );
}

/**
 * A file of torch.save: a zip without compression that has a pickle, and the storages that it names. Sizes that follow their bytes, as torch
 * writes them, are known from the pickle, which comes first.
 */
export function* pytorchZip(input: Input): Reading<void> {
  const entries: Entry[] = [];
  const names = new Set<string>();
  const storages = new Storages(5);
  for (;;) {
    while (!input.has(4)) yield;
    if (input.peek32() !== signatures.local) break;
    const at = input.at;
    const header = yield* localHeader(input);
    checkName(header.name, entries[0]?.name, names, at);
    entries.push(yield* entry(input, header, storages, at));
    if (entries.length > mostEntries)
      throw new Refused("zip-limits", at, `more than ${mostEntries} entries.`);
  }
  yield* directory(input, entries);
  const missing = storages.keys.find((key) => !names.has(`data/${key}`));
  if (!names.has("data.pkl") || missing !== undefined)
    throw new Refused(
      "pytorch-storage",
      input.at,
      missing === undefined ? "there is no data.pkl." : `the storage ${missing} is not there.`,
    );
}

function below(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** Every entry lies in the folder of the first, under a name of its own that torch.save gives. */
function checkName(name: string, first: string | undefined, names: Set<string>, at: number): void {
  const what = JSON.stringify(name);
  if (!isTorchName(name))
    throw new Refused("pytorch-entry", at, `${what} is none that torch.save writes.`);
  const folder = (path: string) => path.slice(0, path.indexOf("/"));
  if (first !== undefined && folder(first) !== folder(name))
    throw new Refused("pytorch-entry", at, `${what} is not in the folder of the first entry.`);
  if (names.has(below(name))) throw new Refused("zip-name", at, `${what} is there twice.`);
  names.add(below(name));
}

function* entry(input: Input, header: Header, storages: Storages, at: number): Reading<Entry> {
  const start = input.at;
  yield* content(input, header, storages);
  const size = input.at - start;
  const follows = (header.flags & descriptorFlag) !== 0;
  const crc = follows ? yield* descriptor(input, size) : header.crc;
  return { ...header, at, size, crc };
}

function* content(input: Input, { name, size }: Header, storages: Storages): Reading<void> {
  const kind = below(name);
  if (kind === "data.pkl") yield* program(input, size, storages);
  else if (kind.startsWith("data/")) storage(input, kind.slice("data/".length), size, storages);
  else yield* smallEntry(input, name, size);
}

/** The pickle, which fills its entry. */
function* program(input: Input, size: number | undefined, storages: Storages): Reading<void> {
  const file = input.end;
  const end = size === undefined ? undefined : input.at + size;
  if (end !== undefined && end > file) input.skip(end - input.at);
  input.end = end ?? file;
  yield* pickle(input, { persistent: storages.take });
  input.end = file;
  if (end !== undefined && input.at < end)
    throw new Refused("trailing-bytes", input.at, "bytes follow the pickle within its entry.");
}

function storage(input: Input, key: string, size: number | undefined, storages: Storages): void {
  const named = storages.get(key);
  if (named === undefined || (size !== undefined && size !== named.bytes))
    throw new Refused(
      "pytorch-storage",
      input.at,
      named === undefined
        ? `the pickle before it names no storage ${key}.`
        : `the storage ${key} has ${amount(size ?? 0, "byte")}, the pickle says ${named.bytes.toLocaleString("en-US")}.`,
    );
  input.skip(named.bytes);
}

/** An entry of a few bytes, whose end is at the record that follows where its size was not told. */
function* smallEntry(input: Input, name: string, size: number | undefined): Reading<void> {
  const at = input.at;
  for (let length = 0; length <= longestSmall; length += 1) {
    while (!input.has(length + 4)) yield;
    if (size === undefined ? input.peek32(length) === signatures.descriptor : length === size) {
      input.skip(length);
      return;
    }
  }
  throw new Refused(
    "pytorch-entry",
    at,
    `${JSON.stringify(name)} has more than ${amount(longestSmall, "byte")}.`,
  );
}
