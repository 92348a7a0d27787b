import { amount, Input, type Reading } from "./input.ts";
import { Arguments, type Payload } from "./pickle-arguments.ts";
import { effects } from "./pickle-effects.ts";
import { type MachineOptions, opaque, PickleMachine, type Value } from "./pickle-machine.ts";
import { type Opcode, opcodes } from "./pickle-opcodes.ts";
import { Refused } from "./refused.ts";

/** Data up to this size is looked at in one piece. */
const small = 4096;

/** Pickles within pickles are followed so deep. */
const deepest = 8;

interface PickleOptions extends MachineOptions {
  /** How many pickles are around it. */
  readonly depth?: number;
}

/** One pickle, from its first opcode to STOP: read, never executed. Gives what is known of its value. */
export function* pickle(input: Input, options: PickleOptions = {}): Reading<Value> {
  const machine = new PickleMachine(effects, options);
  const following = new Arguments(input, { mayBeCut: options.doubtful === true });
  let frame: number | undefined;
  for (;;) {
    while (!input.has(1)) yield;
    const at = input.at;
    const opcode = opcodes[input.peek()];
    if (opcode === undefined)
      throw new Refused("pickle-malformed", at, `0x${input.peek().toString(16)} is no opcode.`);
    let argument = following.take(opcode);
    for (; argument === undefined; argument = following.take(opcode)) yield;
    if (isPayload(argument)) argument = yield* payload(input, argument, following, options);
    if (options.doubtful !== true) frame = checkFrame(frame, opcode, { at, argument }, input);
    const value = machine.step(opcode.name, argument, at);
    if (value !== undefined) return value;
  }
}

/** Where the frame at hand ends; undefined between frames. An opcode lies in one frame or in none (protocol 4, PEP 3154). */
function checkFrame(
  frame: number | undefined,
  { name }: Opcode,
  { at, argument }: { at: number; argument: Value },
  input: Input,
): number | undefined {
  const refused = (why: string) => new Refused("pickle-frame", at, `opcode ${name}: ${why}`);
  if (name === "FRAME") {
    if (frame !== undefined) throw refused("a frame within a frame.");
    if (Number(argument) > input.left)
      throw refused(`a frame of ${amount(Number(argument), "byte")} is longer than what follows.`);
    return Number(argument) === 0 ? undefined : input.at + Number(argument);
  }
  if (frame === undefined) return undefined;
  if (input.at > frame) throw refused("it lies across the end of a frame.");
  if (name === "STOP" && input.at < frame) throw refused("its frame goes on behind it.");
  return input.at === frame ? undefined : frame;
}

function isPayload(argument: Value | Payload): argument is Payload {
  return typeof argument === "object" && "size" in argument;
}

function* payload(
  input: Input,
  { size, data, text }: Payload,
  following: Arguments,
  { depth = 0 }: PickleOptions,
): Reading<Value> {
  if (size === undefined) yield* restOfLine(input);
  else if (!data) input.skip(size);
  if (size === undefined || !data) return opaque;
  let value: Value = opaque;
  if (size <= small) {
    while (!input.has(size)) yield;
    if (text) value = following.text(input.rest().subarray(0, size));
  }
  yield* nested(input, size, depth + 1);
  return value;
}

function* restOfLine(input: Input): Reading<void> {
  for (;;) {
    while (!input.has(1)) yield;
    const here = input.rest();
    const end = here.indexOf(0x0a);
    input.skip(end === -1 ? here.length : end + 1);
    if (end !== -1) return;
  }
}

/** Bytes that may be pickles, to be loaded from there: refused where they would do what no model does, passed where they are none. */
function* nested(input: Input, size: number, depth: number): Reading<void> {
  const outer = input.end;
  const end = input.at + size;
  input.end = end;
  try {
    yield* doubtfulPickles(input, depth);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!isFault(error))
      throw new Refused("pickle-nested", error.at, `in a pickle within bytes: ${error.what}`);
  }
  input.end = outer;
  input.skip(end - input.at);
}

function* doubtfulPickles(input: Input, depth: number): Reading<void> {
  if (depth > deepest)
    throw new Refused("pickle-limits", input.at, `pickles within pickles, deeper than ${deepest}.`);
  while (input.left > 0) yield* pickle(input, { doubtful: true, depth });
}

/** Where an unpickler gives up as well. */
function isFault({ rule }: Refused): boolean {
  return rule === "pickle-malformed" || rule === "truncated";
}

/** Whether a file that begins so is a pickle without saying so (protocols 0 and 1), or would do harm as one. */
export function looksLikePickle(head: Buffer, size: number): boolean {
  const input = new Input(size);
  input.feed(head);
  try {
    doubtfulPickles(input, 0).next();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return !isFault(error);
  }
}
