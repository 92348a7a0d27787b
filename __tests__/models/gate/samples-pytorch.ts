import { pickle } from "../../../examples/miniature/pickle.ts";
import { pytorchZip } from "../../../examples/miniature/pytorch-zip.ts";
import { randomTensor } from "../../../examples/miniature/tensor.ts";
import { latin, type Sample } from "./sample.ts";
import { says, u16, u32, u64, type ZipEntry, type ZipForm, zip } from "./zips.ts";

const weight = randomTensor("p", "F32", "w", [5, 7]);
const half = randomTensor("p", "F16", "h", [3]);
const { program, storages } = pickle(
  new Map([
    [
      "a",
      new Map([
        ["w", weight],
        ["h", half],
      ]),
    ],
  ]),
);
const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = storages;

const pkl: ZipEntry = { name: "archive/data.pkl", data: program };
const data: readonly ZipEntry[] = [
  { name: "archive/data/0", data: first },
  { name: "archive/data/1", data: second },
];
const version: ZipEntry = { name: "archive/version", data: Buffer.from("3\n") };
const more: readonly ZipEntry[] = [
  { name: "archive/.format_version", data: Buffer.from("1") },
  { name: "archive/.storage_alignment", data: Buffer.from("64") },
  { name: "archive/byteorder", data: Buffer.from("little") },
];
const last: ZipEntry = { name: "archive/.data/serialization_id", data: Buffer.alloc(40, "7") };

/** The whole file, with one entry changed, and others added at its end. */
function saved(
  changes: Readonly<Record<string, Partial<ZipEntry>>> = {},
  form: ZipForm = {},
  added: readonly ZipEntry[] = [],
): Buffer {
  const entries = [pkl, ...more, ...data, version, last, ...added].map((entry) => ({
    ...entry,
    ...changes[entry.name.slice("archive/".length)],
  }));
  return zip(entries, form);
}

const hostile = latin("\x80\x02cos\nsystem\n(X\x02\0\0\0idtR.");

/** An extra field of 64 bits before torch's own. */
const widened = (...values: number[]) => Buffer.concat([u16(1, 8 * values.length), u64(...values)]);
const withExtra = (
  header: Buffer,
  extra: Buffer,
  lengthAt: number,
  nameAt: number,
  name: string,
) => {
  const length = header.readUInt16LE(lengthAt);
  header.writeUInt16LE(length + extra.length, lengthAt);
  const cut = nameAt + name.length;
  return Buffer.concat([header.subarray(0, cut), extra, header.subarray(cut)]);
};

export const pytorchSamples: readonly Sample[] = [
  ["a file as torch saves it", saved(), "passed"],
  ["one whose headers tell the sizes", saved({}, { follow: false, wide: false }), "passed"],
  ["one of the miniature", pytorchZip(weight), "passed"],
  [
    "one whose records are of 64 bits",
    saved({
      "data/0": {
        local: (header) =>
          withExtra(header, widened(first.length, first.length), 28, 30, "archive/data/0"),
        descriptor: (record) =>
          Buffer.concat([record.subarray(0, 8), u64(first.length, first.length)]),
      },
    }),
    "passed",
  ],
  [
    "one whose directory is of 64 bits",
    saved(
      {
        "data/0": {
          central: (entry) =>
            withExtra(
              says(24, 0xffffffff)(says(20, 0xffffffff)(entry)),
              widened(first.length, first.length),
              30,
              46,
              "archive/data/0",
            ),
        },
      },
      { end: (record) => says(16, 0xffffffff)(says(12, 0xffffffff)(record)) },
    ),
    "passed",
  ],

  ["os.system in its pickle", saved({ "data.pkl": { data: hostile } }), "pickle-global"],
  [
    "bytes behind the pickle",
    saved({ "data.pkl": { data: Buffer.concat([program, hostile]) } }, { follow: false }),
    "trailing-bytes",
  ],
  [
    "bytes behind the pickle, and no sizes",
    saved({ "data.pkl": { data: Buffer.concat([program, hostile]) } }),
    "zip-structure",
  ],
  [
    "a storage that the pickle does not name",
    saved({}, {}, [{ name: "archive/data/7", data: hostile }]),
    "pytorch-storage",
  ],
  [
    "a storage that is shorter than the pickle says",
    saved({ "data/0": { data: first.subarray(4) } }, { follow: false }),
    "pytorch-storage",
  ],
  ["the same, and no sizes", saved({ "data/0": { data: first.subarray(4) } }), "zip-structure"],
  ["a storage that is missing", zip([pkl, ...data.slice(1), version]), "pytorch-storage"],
  ["no pickle", zip([version, last]), "pytorch-storage"],
  ["storages before the pickle", zip([...data, pkl, version]), "pytorch-storage"],
  [
    "a persistent id that is no storage's",
    saved({ "data.pkl": { data: latin("\x80\x02X\x01\0\0\0xQ.") } }),
    "pickle-persistent-id",
  ],
  [
    "a storage of a class that is none",
    saved({
      "data.pkl": {
        data: latin(
          "\x80\x02(X\x07\0\0\0storagectorch\nTensor\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ.",
        ),
      },
    }),
    "pickle-persistent-id",
  ],
  [
    "code of TorchScript",
    saved({}, {}, [{ name: "archive/code/__torch__.py", data: Buffer.from("def f(): pass") }]),
    "pytorch-entry",
  ],
  [
    "a second pickle",
    saved({}, {}, [{ name: "archive/constants.pkl", data: hostile }]),
    "pytorch-entry",
  ],
  [
    "an entry in another folder",
    saved({}, {}, [{ name: "other/version", data: Buffer.from("3\n") }]),
    "pytorch-entry",
  ],
  [
    "a version of a kilobyte",
    saved({ version: { data: Buffer.alloc(1024, "3") } }),
    "pytorch-entry",
  ],
  [
    "a zip of something else",
    zip([{ name: "word/document.xml", data: Buffer.from("<a/>") }]),
    "no-zip",
  ],

  ["an entry that is there twice", saved({}, {}, [pkl]), "zip-name"],
  [
    "a path that leads out",
    saved({}, {}, [{ name: "archive/../../etc/passwd", data: hostile }]),
    "zip-name",
  ],
  ["an absolute path", saved({}, {}, [{ name: "/etc/passwd", data: hostile }]), "zip-name"],
  [
    "a path with a backslash",
    saved({}, {}, [{ name: "archive\\..\\x", data: hostile }]),
    "zip-name",
  ],
  ["a folder", saved({}, {}, [{ name: "archive/data/", data: Buffer.alloc(0) }]), "zip-name"],
  ["a name of nothing", saved({}, {}, [{ name: "", data: Buffer.alloc(0) }]), "zip-name"],
  [
    "another name in the directory",
    saved({
      version: {
        central: (entry) => Buffer.concat([entry.subarray(0, -7), Buffer.from("versiom")]),
      },
    }),
    "zip-directory",
  ],
  ["the directory names another file for the same bytes", swapped(), "zip-directory"],

  ["an encrypted entry", saved({ version: { local: says(6, 0x0809, 2) } }), "zip-encrypted"],
  [
    "an entry that only the directory calls encrypted",
    saved({ version: { central: says(8, 0x0809, 2) } }),
    "zip-encrypted",
  ],
  ["strong encryption", saved({ version: { local: says(6, 0x0848, 2) } }), "zip-encrypted"],
  [
    "a compressed entry",
    saved({ version: { local: says(8, 8, 2), central: says(10, 8, 2) } }),
    "zip-compressed",
  ],
  [
    "a bomb: a few bytes that say they are a gigabyte",
    saved({ version: { local: says(22, 2 ** 30) } }, { follow: false }),
    "zip-compressed",
  ],
  [
    "a bomb in the directory only",
    saved({ version: { central: says(24, 2 ** 30) } }),
    "zip-compressed",
  ],
  ["flags of a patch", saved({ version: { local: says(6, 0x0828, 2) } }), "zip-structure"],

  ["a symbolic link", saved({ version: { central: says(38, 0xa1ff0000) } }), "zip-link"],
  ["a device", saved({ version: { central: says(38, 0x61ff0000) } }), "zip-link"],

  [
    "another checksum in the directory",
    saved({ version: { central: says(16, 1) } }),
    "zip-directory",
  ],
  [
    "another size in the directory",
    saved({ "data/0": { central: (entry) => says(24, 4)(says(20, 4)(entry)) } }),
    "zip-directory",
  ],
  [
    "another place in the directory: two entries over the same bytes",
    saved({ "data/1": { central: says(42, 0) } }),
    "zip-directory",
  ],
  ["other flags in the directory", saved({ version: { central: says(8, 0, 2) } }), "zip-directory"],
  ["an entry that the directory hides", saved({ version: { listed: false } }), "zip-directory"],
  ["an entry that only the directory has", saved({}, { end: says(10, 9, 2) }), "zip-directory"],
  ["a count of entries that is not theirs", saved({}, { end: says(8, 2, 2) }), "zip-directory"],
  ["a directory that begins elsewhere", saved({}, { end: says(16, 0) }), "zip-directory"],
  ["an end of 64 bits that says otherwise", saved({}, { wideEnd: says(48, 0) }), "zip-directory"],
  ["a locator that points elsewhere", saved({}, { wideEnd: says(64, 0) }), "zip-directory"],
  ["bytes between the entries and the directory", saved({}, { between: hostile }), "zip-structure"],
  ["a second archive behind it", saved({}, { trailing: saved() }), "trailing-bytes"],
  [
    "a comment, where another archive could hide",
    saved({}, { end: (record) => Buffer.concat([says(20, 4, 2)(record), Buffer.from("evil")]) }),
    "zip-structure",
  ],
  [
    "a comment on an entry",
    saved({
      version: { central: (entry) => Buffer.concat([says(32, 2, 2)(entry), Buffer.from("hi")]) },
    }),
    "zip-structure",
  ],
  [
    "another name in an extra field",
    saved({
      version: {
        local: (header) =>
          withExtra(
            header,
            Buffer.concat([u16(0x7075, 9), Buffer.alloc(9)]),
            28,
            30,
            "archive/version",
          ),
      },
    }),
    "zip-structure",
  ],
  [
    "sizes of 64 bits that nothing announces",
    saved({
      version: { central: (entry) => withExtra(entry, widened(7), 30, 46, "archive/version") },
    }),
    "zip-structure",
  ],
  [
    "a size after the bytes that is not theirs",
    saved({ version: { descriptor: says(8, 77) } }),
    "zip-structure",
  ],
  ["an archive that was cut", saved().subarray(0, -30), "truncated"],
  ["an archive that was cut in a storage", saved().subarray(0, 1200), "truncated"],
  [
    "a size beyond the file",
    saved(
      { "data.pkl": { local: (header) => says(18, 2 ** 30)(says(22, 2 ** 30)(header)) } },
      { follow: false },
    ),
    "truncated",
  ],

  ["the legacy form", legacy(), "passed"],
  ["the legacy form with a storage cut short", legacy().subarray(0, -1), "truncated"],
  ["the legacy form with bytes behind it", Buffer.concat([legacy(), hostile]), "trailing-bytes"],
  ["the legacy form with another number of elements", legacy({ elements: 34 }), "pytorch-storage"],
  ["the legacy form with a storage that is not listed", legacy({ keys: [] }), "pytorch-storage"],
  [
    "the legacy form with a storage that is listed twice",
    legacy({ keys: ["0", "0"] }),
    "pytorch-storage",
  ],
  ["the legacy form of another version", legacy({ version: 1000 }), "pytorch-form"],
  ["the legacy form with os.system", legacy({ object: hostile }), "pickle-global"],
];

/** A fresh file of the same entries, of which two have changed their names in the directory. */
function swapped(): Buffer {
  const renamed = (key: string) => (entry: Buffer) =>
    Buffer.concat([entry.subarray(0, -1), Buffer.from(key)]);
  return saved({ "data/0": { central: renamed("1") }, "data/1": { central: renamed("0") } });
}

/** Pickles one after the other, then the storages (torch/serialization.py, `_legacy_save`). */
function legacy(
  changes: { version?: number; object?: Buffer; keys?: readonly string[]; elements?: number } = {},
): Buffer {
  const { version: said = 1001, keys = ["0"], elements = 35 } = changes;
  const object = latin(
    "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK#NtQK\0K\x05K\x07\x86K\x07K\x01\x86\x89ccollections\nOrderedDict\n)RtR.",
  );
  return Buffer.concat([
    latin("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
    latin("\x80\x02M"),
    u16(said),
    latin(".\x80\x02}(X\x0d\0\0\0little_endian\x88u."),
    changes.object ?? object,
    latin("\x80\x02]("),
    ...keys.flatMap((key) => [Buffer.from("X"), u32(key.length), Buffer.from(key)]),
    latin("e."),
    u64(elements),
    first,
  ]);
}
