import {
  type Effects,
  Names,
  opaque,
  type PickleMachine,
  type Tuple,
  type Value,
} from "./pickle-machine.ts";

type Effect = (machine: PickleMachine, argument: Value) => void;

const take =
  (count: number): Effect =>
  (machine) => {
    for (let left = count; left > 0; left -= 1) machine.pop();
    machine.target();
  };

const takeMarked: Effect = (machine) => {
  machine.popMark();
  machine.target();
};

const makeMarked: Effect = (machine) => {
  machine.popMark();
  machine.push(opaque);
};

const append =
  (items: (machine: PickleMachine) => readonly Value[]): Effect =>
  (machine) => {
    const added = items(machine);
    machine.target();
    const list = machine.top();
    if (list instanceof Names) list.add(added);
  };

const tuple =
  (size: number): Effect =>
  (machine) =>
    machine.tuple(Array.from({ length: size }, () => machine.pop()).reverse());

const callAfter =
  (count: number): Effect =>
  (machine) => {
    for (let left = count; left > 0; left -= 1) machine.pop();
    machine.call(machine.pop());
  };

const unwanted: Effect = (machine) => machine.unwanted();
function indexOf(machine: PickleMachine, argument: Value): number {
  if (typeof argument === "number") return argument;
  throw machine.refused("pickle-malformed", "its line has no number.");
}

const get: Effect = (machine, index) => machine.get(indexOf(machine, index));
const put: Effect = (machine, index) => machine.put(indexOf(machine, index));
const named = (argument: Value): Tuple => (Array.isArray(argument) ? argument : []);

/** What an unpickler does (CPython, Lib/pickle.py), as far as `Value` can tell. */
export const effects: Effects = {
  MARK: (machine) => machine.mark(),
  POP: (machine) => void (machine.isAtMark ? machine.popMark() : machine.pop()),
  POP_MARK: (machine) => void machine.popMark(),
  DUP: (machine) => machine.push(machine.top()),
  PROTO: (machine, version) => {
    if (Number(version) > 5)
      throw machine.refused("pickle-malformed", `protocol ${String(version)}.`);
  },
  FRAME: () => undefined,
  EMPTY_LIST: (machine) => machine.push(new Names()),
  LIST: (machine) => {
    const items = machine.popMark();
    const list = new Names();
    list.add(items);
    machine.push(list);
  },
  ...{ DICT: makeMarked, FROZENSET: makeMarked },
  EMPTY_TUPLE: (machine) => machine.tuple([]),
  TUPLE: (machine) => machine.tuple(machine.popMark()),
  ...{ TUPLE1: tuple(1), TUPLE2: tuple(2), TUPLE3: tuple(3) },
  APPEND: append((machine) => [machine.pop()]),
  APPENDS: append((machine) => machine.popMark()),
  ...{ SETITEM: take(2), SETITEMS: takeMarked, ADDITEMS: takeMarked, BUILD: take(1) },
  ...{ GET: get, BINGET: get, LONG_BINGET: get, PUT: put, BINPUT: put, LONG_BINPUT: put },
  MEMOIZE: (machine) => machine.put(),
  GLOBAL: (machine, argument) => {
    const [module = opaque, name = opaque] = named(argument);
    machine.global(module, name);
  },
  STACK_GLOBAL: (machine) => {
    const name = machine.pop();
    machine.global(machine.pop(), name);
  },
  ...{ REDUCE: callAfter(1), NEWOBJ: callAfter(1), NEWOBJ_EX: callAfter(2) },
  INST: (machine, argument) => {
    machine.popMark();
    const [module = opaque, name = opaque] = named(argument);
    machine.global(module, name);
    machine.call(machine.pop());
  },
  OBJ: (machine) => machine.call(machine.popMark()[0]),
  PERSID: (machine) => machine.persistent(opaque),
  BINPERSID: (machine) => machine.persistent(machine.pop()),
  ...{ EXT1: unwanted, EXT2: unwanted, EXT4: unwanted },
  ...{ NEXT_BUFFER: unwanted, READONLY_BUFFER: (machine) => void machine.top() },
};
