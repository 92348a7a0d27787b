import { type ContentType, contentType, headSize } from "./content.ts";
import { gguf } from "./gguf.ts";
import { amount, Input, type Note, type Reading } from "./input.ts";
import { onnx } from "./onnx.ts";
import { pickleFile } from "./pickle-file.ts";
import { pytorchZip } from "./pytorch-zip.ts";
import { Refused } from "./refused.ts";
import { safetensors } from "./safetensors.ts";
import { sentencepiece } from "./sentencepiece.ts";
import { text } from "./text.ts";

/** Changes whenever a file may get another verdict than before. */
export const rulesVersion = 1;

/** What the weights gate says of a file (the models result's `files`). */
export interface FileVerdict {
  readonly file: string;
  readonly type: ContentType;
  readonly verdict: "passed" | "failed";
  /** Which rule decided: the one that refuses, or `allowed: <the lock's reason>`. */
  readonly rule?: string;
  /** For people: what the rule says of the file, and where; also where the lock lets it pass. */
  readonly reason?: string;
  /** What is worth knowing of a file that passes, such as its chat templates. */
  readonly notes?: readonly string[];
}

export interface GatedFile {
  /** `<name>/<path>`. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** The lock's reason to take it all the same. */
  readonly allow?: string | undefined;
}

/** Looks at a file while it passes. */
export interface Gate {
  /** Takes the next bytes; gives the verdict as soon as they are refused. The bytes may change afterwards. */
  feed(piece: Uint8Array): FileVerdict | undefined;
  /** The verdict, once every byte was given. */
  end(): FileVerdict;
}

/** Formats by type, each with its reader; other types are refused by what they are. */
const readers: Partial<Record<ContentType, (input: Input, note: Note) => Reading<void>>> = {
  ...{ safetensors, "pytorch-zip": pytorchZip, pickle: pickleFile, onnx, gguf, sentencepiece },
  ...{ json: text, text },
};

const strangers: Partial<Record<ContentType, string>> = {
  html: "it is an HTML page, not weights.",
  "git-lfs-pointer": "it is a git-lfs pointer, not the weights it stands for.",
  empty: "it is empty.",
  script: "it is a program to be run by a shell.",
  zip: "it is a zip that torch.save did not write.",
  unknown: "it is of no type that weights have.",
};

/** The gate for one file: its type is told by its first bytes, the rest is read as that type has it, in a memory that does not grow. */
export function openGate(file: GatedFile): Gate {
  return new FileGate(file);
}

class FileGate implements Gate {
  readonly #file: GatedFile;
  readonly #input: Input;
  #head: Buffer = Buffer.alloc(0);
  #type: ContentType | undefined;
  #reading: Reading<void> | undefined;
  readonly #notes: string[] = [];
  #refusal: FileVerdict | undefined;
  #given = 0;

  constructor(file: GatedFile) {
    this.#file = file;
    this.#input = new Input(file.size);
  }

  feed(piece: Uint8Array): FileVerdict | undefined {
    this.#given += piece.length;
    if (this.#refusal === undefined) this.#look(piece);
    return this.#file.allow === undefined ? this.#refusal : undefined;
  }

  end(): FileVerdict {
    const { file, allow, size } = this.#file;
    if (this.#given !== size) throw new Error(`${file}: not all of it went through the gate.`);
    if (this.#type === undefined) this.#begin(this.#head);
    const refusal = this.#refusal;
    if (refusal !== undefined)
      return allow === undefined
        ? refusal
        : { ...refusal, verdict: "passed", rule: `allowed: ${allow}` };
    if (this.#reading !== undefined)
      throw new Error(`${file}: not all bytes went through its gate.`);
    const notes = this.#notes.length === 0 ? {} : { notes: this.#notes };
    return { file, type: this.#type ?? "unknown", verdict: "passed", ...notes };
  }

  #look(piece: Uint8Array): void {
    if (this.#type !== undefined) {
      this.#read(piece);
      return;
    }
    const head = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
    if (head.length < Math.min(headSize, this.#file.size)) this.#head = Buffer.from(head);
    else this.#begin(head);
  }

  /** Tells the type, and reads what has come so far. */
  #begin(head: Uint8Array): void {
    this.#type = contentType(head, this.#file.size);
    this.#head = Buffer.alloc(0);
    const stranger = strangers[this.#type];
    if (stranger !== undefined) this.#refuse(`no-${this.#type}`, stranger);
    this.#reading =
      stranger === undefined
        ? readers[this.#type]?.(this.#input, (text) => this.#notes.push(text))
        : undefined;
    this.#read(head);
  }

  #read(piece: Uint8Array): void {
    if (this.#reading === undefined || !this.#input.feed(piece)) return;
    try {
      const { done } = this.#reading.next();
      this.#input.keep();
      if (!done) return;
      this.#reading = undefined;
      const { at, left } = this.#input;
      if (left > 0)
        throw new Refused("trailing-bytes", at, `${amount(left, "byte")} follow the end.`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#reading = undefined;
      this.#refuse(error.rule, error.message);
    }
  }

  #refuse(rule: string, reason: string): void {
    const { file } = this.#file;
    this.#refusal = { file, type: this.#type ?? "unknown", verdict: "failed", rule, reason };
  }
}
