import { latin, type Sample } from "./sample.ts";
import { u32, u64 } from "./zips.ts";

const text = (value: string) =>
  latin("X", u32(value.length).toString("latin1"), value).toString("latin1");
const short = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;
const bytes = (value: string) => `B${u32(value.length).toString("latin1")}${value}`;
const system = "cos\nsystem\n(X\x02\0\0\0idtR.";
const number = (value: number) => u64(value).toString("latin1");

/** A pickle of protocol 2 or more. */
const v = (version: number, ...parts: readonly string[]) =>
  latin(`\x80${String.fromCharCode(version)}`, ...parts);
const framed = (body: string, size = body.length) => v(4, `\x95${number(size)}`, body);

export const pickleSamples: readonly Sample[] = [
  ["nothing but None", v(2, "N."), "passed"],
  ["two pickles, one after the other", v(2, "N.\x80\x02]."), "passed"],
  ["protocol 0 without a word of it", latin("(dp0\nVa\np1\nI1\ns."), "passed"],
  ["protocol 1 without a word of it", latin("}q\0(U\x01aq\x01K\x01U\x01bK\x02u."), "passed"],
  ["an ordered dict", v(2, "ccollections\nOrderedDict\n)R."), "passed"],
  ["a global by strings", v(4, short("collections"), short("OrderedDict"), "\x93)R."), "passed"],
  [
    "a global by remembered strings",
    v(4, short("collections"), "\x94", short("OrderedDict"), "\x9400h\x00h\x01\x93)R."),
    "passed",
  ],
  [
    "an array of numpy",
    v(3, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R."),
    "passed",
  ],
  ["a frame", framed("]."), "passed"],
  ["bytes that begin like a pickle and are none", v(3, bytes("\x80\x02\xff\xfe"), "."), "passed"],
  ["bytes with a harmless pickle", v(3, bytes("\x80\x02N."), "."), "passed"],
  ["bytes that name a global and go on as none", v(3, bytes("cos\nsystem\n\xff"), "."), "passed"],
  ["bytes that are all marks", v(3, bytes("(".repeat(5000)), "."), "passed"],

  ["os.system called", v(2, system), "pickle-global"],
  ["os.system in protocol 0", latin("cos\nsystem\n(S'id'\ntR."), "pickle-global"],
  ["os.system named and not called", v(2, "cos\nsystem\n0N."), "pickle-global"],
  [
    "posix.system by strings",
    v(4, short("posix"), short("system"), "\x93", short("id"), "\x85R."),
    "pickle-global",
  ],
  [
    "the names swapped by the memo",
    v(4, short("system"), "\x94", short("os"), "\x9400h\x01h\x00\x93N\x85R."),
    "pickle-global",
  ],
  [
    "a name from a remembered tuple of strings",
    v(4, short("os"), short("system"), "\x86\x940(h\x00\x93N."),
    "pickle-malformed",
  ],
  [
    "a module's name with an escape",
    latin("\x80\x04S'o\\x73'\nS'system'\n\x93N\x85R."),
    "pickle-global",
  ],
  [
    "a module's name that is too long to be one",
    v(4, text("a".repeat(300)), short("x"), "\x93."),
    "pickle-global",
  ],
  ["a name in raw-unicode escapes", latin("\x80\x04V\\u006fs\nVsystem\n\x93."), "pickle-global"],
  ["builtins.eval", v(2, "c__builtin__\neval\n(X\x01\0\0\x01tR."), "pickle-global"],
  ["getattr", v(2, "cbuiltins\ngetattr\n(NX\x01\0\0\0atR."), "pickle-global"],
  [
    "a method below an allowed module",
    v(4, short("collections"), short("OrderedDict.fromkeys"), "\x93."),
    "pickle-global",
  ],
  [
    "torch's own loader",
    v(2, "ctorch.storage\n_load_from_bytes\n", bytes("x"), "\x85R."),
    "pickle-global",
  ],
  ["a class by INST", latin("(ios\nsystem\n."), "pickle-global"],
  ["a class by OBJ", v(2, "(cos\nsystem\nX\x02\0\0\0ido."), "pickle-global"],
  ["an object of a class by NEWOBJ", v(2, "csubprocess\nPopen\n)\x81."), "pickle-global"],
  ["NEWOBJ_EX", v(4, short("subprocess"), short("Popen"), "\x93)}\x92."), "pickle-global"],
  ["numpy's runstring", v(2, "cnumpy.testing._private.utils\nrunstring\n."), "pickle-global"],

  ["what a call gave is called", v(2, "ccollections\nOrderedDict\n)R)R."), "pickle-call"],
  ["a string is called", v(2, text("os.system"), ")R."), "pickle-call"],
  ["a class is given attributes", v(2, "ctorch.nn.parameter\nParameter\n}b."), "pickle-call"],
  ["an item is set on a class", v(2, "ctorch\nTensor\nNNs."), "pickle-call"],
  ["an extension", v(2, "\x82\x01."), "pickle-opcode"],
  ["an extension of four bytes", v(2, "\x84\x01\0\0\0."), "pickle-opcode"],
  ["a buffer from elsewhere", v(5, "\x97."), "pickle-opcode"],
  ["a persistent id as text", latin("\x80\x02P0\n."), "pickle-persistent-id"],
  ["a persistent id", v(2, text("x"), "Q."), "pickle-persistent-id"],

  [
    "a pickle within bytes",
    v(3, bytes(latin("\x80\x02", system).toString("latin1")), "."),
    "pickle-nested",
  ],
  ["a pickle of protocol 0 within bytes", v(3, bytes(system), "."), "pickle-nested"],
  [
    "a pickle within large bytes",
    v(3, bytes(`\x80\x02(${"N".repeat(9000)}1${system}`), "."),
    "pickle-nested",
  ],
  [
    "one within one within bytes",
    v(3, bytes(v(3, bytes(system), ".").toString("latin1")), "."),
    "pickle-nested",
  ],
  [
    "one within a string of Python 2",
    v(2, `T${u32(system.length).toString("latin1")}${system}.`),
    "pickle-nested",
  ],
  ["one within a bytearray", v(5, `\x96${number(system.length)}${system}.`), "pickle-nested"],
  ["pickles in pickles without an end", deep(10), "pickle-nested"],
  ["a second pickle that does harm", v(2, "N.\x80\x02", system), "pickle-global"],
  [
    "one in the text that it seems to be",
    latin("cos\nsystem\n(Vid\ntR and then some text\n"),
    "pickle-global",
  ],
  ["one that ends in the middle of a line", latin("(Vid\nios\nsystem."), "truncated"],
  [
    "one within bytes that ends in the middle of a line",
    v(3, bytes("(Vid\nios\nsystem."), "."),
    "pickle-nested",
  ],
  ["a place in the memo that is none", latin("\x80\x02Np\n."), "pickle-malformed"],

  ["bytes behind the pickle", v(2, "N.\xff\xff"), "pickle-malformed"],
  ["no end", v(2, "N"), "truncated"],
  ["a string longer than the file", v(2, "X\xff\xff\xff\x7fabc."), "truncated"],
  ["bytes of 2⁶³", v(4, `\x8e${"\xff".repeat(7)}\x7f.`), "truncated"],
  ["a line without an end", latin("\x80\x02cos"), "truncated"],
  ["an unknown opcode", v(2, "\xff."), "pickle-malformed"],
  ["an opcode without an object", v(2, "0."), "pickle-malformed"],
  ["a mark that is not there", v(2, "Nt."), "pickle-malformed"],
  ["objects below a mark", v(2, "NN(R."), "pickle-malformed"],
  ["something that was not remembered", v(2, "h\x05."), "pickle-malformed"],
  ["objects that are left over", v(2, "NN."), "pickle-malformed"],
  ["protocol 6", v(2, "\x80\x06N."), "pickle-malformed"],
  ["protocol 6 from the beginning", v(6, "N."), "no-unknown"],
  ["a number that is none", latin("\x80\x02Iabz\n."), "pickle-malformed"],
  ["a string without quotes", latin("\x80\x02Sabc\n."), "pickle-malformed"],
  ["a frame longer than the file", framed("].", 100), "pickle-frame"],
  ["a frame that ends within an opcode", framed(`${short("abc")}.`, 3), "pickle-frame"],
  ["a frame within a frame", framed(`\x95${number(2)}].`), "pickle-frame"],
  ["a frame that goes on behind the end", framed("].N.", 4), "pickle-frame"],
  ["a number remembered as the 4,000,000,000th", v(2, "Nr\0\0\0\xee."), "pickle-limits"],
  [
    "a whole number of a megabyte",
    v(2, `\x8b\0\0\x10\0${"\x01".repeat(2 ** 20)}.`),
    "pickle-limits",
  ],
  ["a million marks and more", v(2, "(".repeat(2 ** 20 + 1)), "pickle-limits"],
  ["a million objects and more", v(2, "N".repeat(2 ** 20 + 1)), "pickle-limits"],
];

function deep(count: number): Buffer {
  let inner = system;
  for (let left = count; left > 0; left -= 1) inner = v(3, bytes(inner), ".").toString("latin1");
  return Buffer.from(inner, "latin1");
}
