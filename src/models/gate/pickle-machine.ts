import { Global } from "./pickle-globals.ts";
import type { OpcodeName } from "./pickle-opcodes.ts";
import { Refused } from "./refused.ts";

/** What is known of an object that a pickle would make: short strings, whole numbers, globals, tuples, lists of strings; else nothing. */
export type Value = string | number | bigint | Global | Tuple | Names | typeof opaque;

export const opaque = Symbol("an object");

export type Tuple = readonly Value[];

/** A list, as long as it holds short strings only. */
export class Names {
  readonly items: string[] = [];
  complete = true;

  add(items: readonly Value[]): void {
    for (const item of items) {
      if (typeof item === "string" && this.items.length < mostNames) this.items.push(item);
      else this.complete = false;
    }
  }
}

/** Storages that one file may have. */
export const mostNames = 2 ** 16;

/** Objects at hand and objects remembered, each: what one pickle may have of both. */
const mostObjects = 2 ** 20;

/** Longer tuples are none that a persistent id has. */
const longestTuple = 8;

/** Names of what can be imported, with dots between them. */
const identifier = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

/** One whose name a pickle takes from what is not kept: no honest one does. */
const unknownGlobal = new Global("(what cannot be told)", "(what cannot be told)");

export interface MachineOptions {
  /** Takes the argument of BINPERSID; says why it is refused. */
  readonly persistent?: ((id: Value) => string | undefined) | undefined;
  /** Whether the bytes need not be a pickle: then a global counts once it is called. */
  readonly doubtful?: boolean;
}

/** What opcodes do to stack and memo; those that are not here push what follows them. */
export type Effects = Partial<
  Record<OpcodeName, (machine: PickleMachine, argument: Value) => void>
>;

/** The unpickler's stack and memo, with what `Value` knows of each object: opcodes are followed, nothing is made or called. */
export class PickleMachine {
  readonly #options: MachineOptions;
  readonly #effects: Effects;
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo: (Value | undefined)[] = [];
  #remembered = 0;
  /** The first global that is not allowed, where that does not end it. */
  #foreign: Global | undefined;
  #opcode: OpcodeName = "STOP";
  #at = 0;

  constructor(effects: Effects, options: MachineOptions = {}) {
    this.#effects = effects;
    this.#options = options;
  }

  /** Follows one opcode that begins at this byte; the pickle's value after STOP. */
  step(opcode: OpcodeName, argument: Value, at: number): Value | undefined {
    this.#opcode = opcode;
    this.#at = at;
    if (opcode === "STOP") return this.#stop();
    const effect = this.#effects[opcode];
    if (effect === undefined) this.push(argument);
    else effect(this, argument);
    return undefined;
  }

  push(value: Value): void {
    if (this.#stack.length >= mostObjects)
      throw this.refused("pickle-limits", `more than ${mostObjects} objects are at hand.`);
    this.#stack.push(value);
  }

  pop(): Value {
    this.top();
    return this.#stack.pop() ?? opaque;
  }

  /** The object on top, above the last mark. */
  top(): Value {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw this.refused("pickle-malformed", "there is no object that it could take.");
    return this.#stack.at(-1) ?? opaque;
  }

  /** The object that is changed in place: never one that other code has as well. */
  target(): void {
    const value = this.top();
    if (value instanceof Global && this.#options.doubtful !== true)
      throw this.refused("pickle-call", `it would change ${value} itself.`);
  }

  get isAtMark(): boolean {
    return this.#stack.length <= (this.#marks.at(-1) ?? 0);
  }

  mark(): void {
    if (this.#marks.length >= mostObjects)
      throw this.refused("pickle-limits", `more than ${mostObjects} marks.`);
    this.#marks.push(this.#stack.length);
  }

  /** Takes the objects above the last mark, and the mark. */
  popMark(): readonly Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.refused("pickle-malformed", "there is no mark.");
    return this.#stack.splice(mark);
  }

  tuple(items: readonly Value[]): void {
    this.push(items.length > longestTuple ? opaque : items);
  }

  /** A tuple that is remembered is never a persistent id again, so it is forgotten what is in it. */
  put(index: number = this.#remembered): void {
    if (!(index >= 0 && index < mostObjects))
      throw this.refused("pickle-limits", `it remembers an object as number ${index}.`);
    if (this.#memo[index] === undefined) this.#remembered += 1;
    const value = this.top();
    this.#memo[index] = Array.isArray(value) ? opaque : value;
  }

  get(index: number): void {
    const value = this.#memo[index];
    if (value === undefined)
      throw this.refused("pickle-malformed", `nothing is remembered as number ${index}.`);
    this.push(value);
  }

  global(module: Value, name: Value): void {
    const global = this.#named(module, name);
    if (!global.allowed) {
      if (this.#options.doubtful !== true)
        throw this.refused(
          "pickle-global",
          `${printable(global)} is not among the globals that a model may name.`,
        );
      this.#foreign ??= global;
    }
    this.push(global);
  }

  #named(module: Value, name: Value): Global {
    if (typeof module === "symbol" || typeof name === "symbol") return unknownGlobal;
    if (typeof module !== "string" || typeof name !== "string")
      throw this.refused("pickle-malformed", "the name of a global is no string.");
    if (this.#options.doubtful === true && !(identifier.test(module) && identifier.test(name)))
      throw this.refused("pickle-malformed", "the name of a global is none.");
    return new Global(module, name);
  }

  call(callable: Value | undefined): void {
    if (callable === undefined)
      throw this.refused("pickle-malformed", "there is nothing that it could call.");
    if (callable instanceof Global ? !callable.allowed : this.#options.doubtful !== true) {
      const what = callable instanceof Global ? printable(callable) : "what is no plain global";
      throw this.refused("pickle-call", `it would call ${what}.`);
    }
    this.push(opaque);
  }

  /** In doubt, whoever loads it may take any persistent id. */
  persistent(id: Value): void {
    const { persistent, doubtful } = this.#options;
    const why = persistent === undefined ? "no persistent id is wanted here." : persistent(id);
    if (why !== undefined && doubtful !== true) throw this.refused("pickle-persistent-id", why);
    this.push(opaque);
  }

  /** An opcode that no model needs; in doubt, it may give anything. */
  unwanted(): void {
    if (this.#options.doubtful !== true)
      throw this.refused("pickle-opcode", "no model needs this opcode.");
    this.#foreign ??= unknownGlobal;
    this.push(unknownGlobal);
  }

  refused(rule: string, what: string): Refused {
    return new Refused(rule, this.#at, `opcode ${this.#opcode}: ${what}`);
  }

  #stop(): Value {
    const value = this.pop();
    if (this.#options.doubtful === true) {
      if (this.#foreign !== undefined)
        throw this.refused(
          "pickle-global",
          `${printable(this.#foreign)} is not among the globals that a model may name.`,
        );
    } else if (this.#stack.length > 0 || this.#marks.length > 0)
      throw this.refused("pickle-malformed", `${this.#stack.length} objects are left over.`);
    return value;
  }
}

function printable(global: Global): string {
  const text = JSON.stringify(String(global)).slice(1, -1);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
