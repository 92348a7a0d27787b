import { amount, type Input } from "./input.ts";
import { opaque, type Value } from "./pickle-machine.ts";
import type { Argument, Opcode, OpcodeName } from "./pickle-opcodes.ts";
import { Refused } from "./refused.ts";

/** Bytes that are too many to be looked at in one piece, or that want another look. */
export interface Payload {
  /** Undefined: up to the end of the line. */
  readonly size: number | undefined;
  /** Whether they may hold a pickle of their own. */
  readonly data: boolean;
  /** Whether a text is made of them. */
  readonly text: boolean;
}

/** Longer texts are no names, and nothing else is asked of texts. */
const longestText = 256;
/** Module and name of a global, and the digits of a number; longer lines can only be texts. */
const longestLine = 4096;
/** Longest whole number in bytes. */
const longestLong = 1024;
/** Texts that one reading keeps, in bytes; further ones are objects like others. */
const keptText = 32 * 2 ** 20;

/** What the lines of numbers hold. */
const lines: Partial<Record<OpcodeName, RegExp>> = {
  INT: /^\s*[-+]?[\da-fA-FxXoObB_]*\s*$/,
  LONG: /^\s*[-+]?[\da-fA-FxXoObB_]*[lL]?\s*$/,
  FLOAT: /^\s*[-+]?(?:[\d._]*(?:[eE][-+]?\d*)?|[infatyINFATY]*)\s*$/,
  GET: /^\s*\+?\d{0,20}\s*$/,
  PUT: /^\s*\+?\d{0,20}\s*$/,
  STRING: /^(?:$|['"])/,
};

/** Reads what follows opcodes. */
export class Arguments {
  readonly #input: Input;
  readonly #mayBeCut: boolean;
  #kept = 0;

  /** Where lines may be cut, the last one may lack its line feed: Python's own unpickler takes its last character for that. */
  constructor(input: Input, { mayBeCut }: { readonly mayBeCut: boolean }) {
    this.#input = input;
    this.#mayBeCut = mayBeCut;
  }

  /** Takes an opcode and what follows it; undefined, and nothing is taken, where not all of it has come. */
  take({ name, argument }: Opcode): Value | Payload | undefined {
    switch (argument.kind) {
      case "fixed":
        return this.#fixed(name, argument.size);
      case "line":
        return this.#lines(name, argument.lines);
      default:
        return this.#counted(name, argument);
    }
  }

  #fixed(name: OpcodeName, size: number): Value | undefined {
    const input = this.#input;
    if (!input.has(1 + size)) return undefined;
    const bytes = input.take(1 + size);
    if (size === 0 || name === "BINFLOAT") return opaque;
    if (name === "BININT") return bytes.readInt32LE(1);
    return size === 8 ? Number(bytes.readBigUInt64LE(1)) : bytes.readUIntLE(1, size);
  }

  #counted(
    name: OpcodeName,
    { kind, lengthSize }: Argument & { lengthSize: number },
  ): Value | Payload | undefined {
    const input = this.#input;
    const start = 1 + lengthSize;
    if (!input.has(start)) return undefined;
    const head = input.rest();
    const size =
      lengthSize === 8 ? Number(head.readBigUInt64LE(1)) : head.readUIntLE(1, lengthSize);
    if (size > input.left - start)
      throw new Refused(
        "truncated",
        input.at,
        `where ${amount(size, "byte")} are announced: ${amount(input.left - start, "byte")} are left.`,
      );
    if (kind === "long" && size > longestLong)
      throw new Refused("pickle-limits", input.at, `a whole number of ${amount(size, "byte")}.`);
    if (kind === "data" || size > longestText) {
      input.skip(start);
      return { size, data: kind === "data", text: name.endsWith("STRING") };
    }
    if (!input.has(start + size)) return undefined;
    const bytes = input.take(start + size).subarray(start);
    return kind === "long" ? long(bytes) : this.text(bytes);
  }

  /** A text, where it is short and not too many were kept. */
  text(bytes: Buffer): Value {
    if (bytes.length > longestText || this.#kept > keptText) return opaque;
    this.#kept += bytes.length + 32;
    return bytes.toString();
  }

  #lines(name: OpcodeName, count: 1 | 2): Value | Payload | undefined {
    const input = this.#input;
    if (!input.has(2)) return undefined;
    const here = input.rest();
    const first = here.indexOf(0x0a, 1);
    let end = count === 2 && first !== -1 ? here.indexOf(0x0a, first + 1) : first;
    if (end === -1 && this.#mayBeCut && here.length === input.left) end = here.length - 1;
    const bytes = here.subarray(1, end === -1 ? here.length : end);
    checkLine(name, bytes, input.at, end !== -1);
    if (bytes.length > longestLine) return this.#longLine(name);
    if (end === -1) {
      if (here.length === input.left) input.has(here.length + 1);
      return undefined;
    }
    input.skip(end + 1);
    if (count === 1) return this.#lineValue(name, bytes);
    if (first === -1) return ["", ""];
    return [this.text(here.subarray(1, first)), this.text(here.subarray(first + 1, end))];
  }

  #longLine(name: OpcodeName): Payload {
    const input = this.#input;
    const why = `opcode ${name}: a line of more than ${amount(longestLine, "byte")}.`;
    if (name === "GLOBAL" || name === "INST") throw new Refused("pickle-malformed", input.at, why);
    if (name !== "STRING" && name !== "UNICODE") throw new Refused("pickle-limits", input.at, why);
    input.skip(1);
    return { size: undefined, data: false, text: false };
  }

  /** Texts with escapes are not read. */
  #lineValue(name: OpcodeName, bytes: Buffer): Value {
    const text = bytes.toString("latin1");
    if (name === "STRING") return text.includes("\\") ? opaque : this.text(bytes.subarray(1, -1));
    if (name === "UNICODE") return text.includes("\\") ? opaque : this.text(bytes);
    if (name === "FLOAT" || name === "PERSID") return opaque;
    const digits = text.trim().replace(/[lL]$/, "");
    if (!/^[-+]?\d{1,64}$/.test(digits)) return opaque;
    return narrow(BigInt(digits.replace("+", "")));
  }
}

function checkLine(name: OpcodeName, bytes: Buffer, at: number, whole: boolean): void {
  const form = lines[name];
  const text = form === undefined ? "" : bytes.toString("latin1");
  if (form?.test(text) === false || (whole && name === "STRING" && !isQuoted(text)))
    throw new Refused("pickle-malformed", at, `opcode ${name}: its line is none.`);
}

function isQuoted(line: string): boolean {
  const text = line.trimEnd();
  return text.length >= 2 && (text[0] === "'" || text[0] === '"') && text.at(-1) === text[0];
}

/** Two's complement, the lowest byte first. */
function long(bytes: Buffer): Value {
  if (bytes.length > 16) return opaque;
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return narrow(bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, value));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
