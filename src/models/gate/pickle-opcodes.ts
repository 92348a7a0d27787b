/**
 * What follows an opcode: bytes of a fixed number, one or two lines, or bytes whose length comes first (in 1, 4 or 8 bytes).
 * `text` is decoded by the unpickler, `data` is bytes that may hold a pickle of their own, `long` is a whole number.
 */
export type Argument =
  | { readonly kind: "fixed"; readonly size: 0 | 1 | 2 | 4 | 8 }
  | { readonly kind: "line"; readonly lines: 1 | 2 }
  | { readonly kind: "text" | "data" | "long"; readonly lengthSize: 1 | 4 | 8 };

export interface Opcode {
  readonly name: OpcodeName;
  readonly argument: Argument;
}

const fixed = (size: 0 | 1 | 2 | 4 | 8): Argument => ({ kind: "fixed", size });
const line = (lines: 1 | 2): Argument => ({ kind: "line", lines });
const counted = (kind: "text" | "data" | "long", lengthSize: 1 | 4 | 8): Argument => ({
  kind,
  lengthSize,
});

/** The opcodes of the protocols 0 to 5 (CPython, Lib/pickletools.py). */
const table = {
  MARK: [0x28, fixed(0)],
  STOP: [0x2e, fixed(0)],
  POP: [0x30, fixed(0)],
  POP_MARK: [0x31, fixed(0)],
  DUP: [0x32, fixed(0)],
  BINBYTES: [0x42, counted("data", 4)],
  SHORT_BINBYTES: [0x43, counted("data", 1)],
  FLOAT: [0x46, line(1)],
  BINFLOAT: [0x47, fixed(8)],
  INT: [0x49, line(1)],
  BININT: [0x4a, fixed(4)],
  BININT1: [0x4b, fixed(1)],
  LONG: [0x4c, line(1)],
  BININT2: [0x4d, fixed(2)],
  NONE: [0x4e, fixed(0)],
  PERSID: [0x50, line(1)],
  BINPERSID: [0x51, fixed(0)],
  REDUCE: [0x52, fixed(0)],
  STRING: [0x53, line(1)],
  BINSTRING: [0x54, counted("data", 4)],
  SHORT_BINSTRING: [0x55, counted("data", 1)],
  UNICODE: [0x56, line(1)],
  BINUNICODE: [0x58, counted("text", 4)],
  EMPTY_LIST: [0x5d, fixed(0)],
  APPEND: [0x61, fixed(0)],
  BUILD: [0x62, fixed(0)],
  GLOBAL: [0x63, line(2)],
  DICT: [0x64, fixed(0)],
  APPENDS: [0x65, fixed(0)],
  GET: [0x67, line(1)],
  BINGET: [0x68, fixed(1)],
  INST: [0x69, line(2)],
  LONG_BINGET: [0x6a, fixed(4)],
  LIST: [0x6c, fixed(0)],
  OBJ: [0x6f, fixed(0)],
  PUT: [0x70, line(1)],
  BINPUT: [0x71, fixed(1)],
  LONG_BINPUT: [0x72, fixed(4)],
  SETITEM: [0x73, fixed(0)],
  TUPLE: [0x74, fixed(0)],
  EMPTY_TUPLE: [0x29, fixed(0)],
  SETITEMS: [0x75, fixed(0)],
  EMPTY_DICT: [0x7d, fixed(0)],
  PROTO: [0x80, fixed(1)],
  NEWOBJ: [0x81, fixed(0)],
  EXT1: [0x82, fixed(1)],
  EXT2: [0x83, fixed(2)],
  EXT4: [0x84, fixed(4)],
  TUPLE1: [0x85, fixed(0)],
  TUPLE2: [0x86, fixed(0)],
  TUPLE3: [0x87, fixed(0)],
  NEWTRUE: [0x88, fixed(0)],
  NEWFALSE: [0x89, fixed(0)],
  LONG1: [0x8a, counted("long", 1)],
  LONG4: [0x8b, counted("long", 4)],
  SHORT_BINUNICODE: [0x8c, counted("text", 1)],
  BINUNICODE8: [0x8d, counted("text", 8)],
  BINBYTES8: [0x8e, counted("data", 8)],
  EMPTY_SET: [0x8f, fixed(0)],
  ADDITEMS: [0x90, fixed(0)],
  FROZENSET: [0x91, fixed(0)],
  NEWOBJ_EX: [0x92, fixed(0)],
  STACK_GLOBAL: [0x93, fixed(0)],
  MEMOIZE: [0x94, fixed(0)],
  FRAME: [0x95, fixed(8)],
  BYTEARRAY8: [0x96, counted("data", 8)],
  NEXT_BUFFER: [0x97, fixed(0)],
  READONLY_BUFFER: [0x98, fixed(0)],
} as const satisfies Readonly<Record<string, readonly [number, Argument]>>;

export type OpcodeName = keyof typeof table;

/** By their byte. */
export const opcodes: readonly (Opcode | undefined)[] = Object.entries(table).reduce<
  (Opcode | undefined)[]
>((all, [name, [byte, argument]]) => {
  all[byte] = { name: name as OpcodeName, argument };
  return all;
}, []);
