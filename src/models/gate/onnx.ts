import { pathProblem } from "../shapes.ts";
import type { Input, Note, Reading } from "./input.ts";
import { protobuf, type Schema, type Visitor } from "./protobuf.ts";
import { Refused } from "./refused.ts";

const graph = { message: "GraphProto" };
const node = { message: "NodeProto" };
const attribute = { message: "AttributeProto" };
const tensor = { message: "TensorProto" };
const sparse = { message: "SparseTensorProto" };

/** Fields by number; those of messages that can hold no tensor are only passed over. */
const fields = (numbers: readonly number[], kind: "bytes" | "varint" | "numbers") =>
  Object.fromEntries(numbers.map((number) => [number, kind]));

/** onnx.proto, as far as tensors can be in it: each of them may say that its data is in another file. */
const schema: Schema = {
  ModelProto: {
    ...fields([1, 5], "varint"),
    ...fields([2, 3, 4, 6, 8, 14, 26], "bytes"),
    7: graph,
    20: { message: "TrainingInfoProto" },
    25: { message: "FunctionProto" },
  },
  TrainingInfoProto: { 1: graph, 2: graph, ...fields([3, 4], "bytes") },
  FunctionProto: {
    ...fields([1, 4, 5, 6, 8, 9, 10, 12, 13, 14], "bytes"),
    ...fields([2, 3], "varint"),
    7: node,
    11: attribute,
  },
  GraphProto: {
    1: node,
    5: tensor,
    15: sparse,
    ...fields([2, 10, 11, 12, 13, 14, 16], "bytes"),
  },
  NodeProto: { 5: attribute, ...fields([1, 2, 3, 4, 6, 7, 8, 9, 10], "bytes") },
  AttributeProto: {
    ...fields([1, 4, 9, 13, 14, 15, 21], "bytes"),
    2: "fixed32",
    ...fields([3, 20], "varint"),
    ...fields([7, 8], "numbers"),
    5: tensor,
    10: tensor,
    6: graph,
    11: graph,
    22: sparse,
    23: sparse,
  },
  SparseTensorProto: { 1: tensor, 2: tensor, 3: "numbers" },
  TensorProto: {
    ...fields([1, 4, 5, 7, 10, 11], "numbers"),
    ...fields([2, 14], "varint"),
    ...fields([3, 6, 8, 9, 12, 16], "bytes"),
    13: { message: "StringStringEntryProto" },
  },
  StringStringEntryProto: { 1: "text", 2: "text" },
};

const rule = "onnx-external-data";
const external = 1;
const knownKeys: ReadonlySet<string> = new Set(["location", "offset", "length", "checksum"]);

/** A model of ONNX. External data must lie in the folder of the file; where it lies is noted. */
export function* onnx(input: Input, note: Note): Reading<void> {
  const tensors = new ExternalData();
  yield* protobuf(input, { schema, root: "ModelProto", rule: "onnx-structure" }, tensors);
  if (tensors.locations.size > 0) note(`external data in ${[...tensors.locations].join(", ")}`);
}

/** Most files that are named; a model has one, or one for each large tensor. */
const mostLocations = 4096;

/** Gathers what one tensor says of its place, and judges it at the tensor's end. */
class ExternalData implements Visitor {
  readonly locations = new Set<string>();
  #place = new Map<string, string>();
  #entry: (string | undefined)[] = [];
  #isExternal = false;

  value(message: string, field: number, value: Buffer | number, at: number): void {
    if (message === "TensorProto" && field === 14) this.#isExternal = value === external;
    if (message !== "StringStringEntryProto" || typeof value === "number") return;
    if (this.#entry[field] !== undefined)
      throw new Refused(rule, at, "an entry with two keys or two values.");
    this.#entry[field] = value.toString();
  }

  leave(message: string, at: number): void {
    if (message === "StringStringEntryProto") this.#leaveEntry(at);
    if (message === "TensorProto") this.#leaveTensor(at);
  }

  #leaveEntry(at: number): void {
    const [, key = "", value = ""] = this.#entry.splice(0);
    const why = this.#place.has(key) ? "is there twice" : problemOf(key, value);
    if (why !== undefined) throw new Refused(rule, at, `${JSON.stringify(key)} ${why}.`);
    this.#place.set(key, value);
  }

  #leaveTensor(at: number): void {
    const location = this.#place.get("location");
    if (this.#isExternal !== (location !== undefined))
      throw new Refused(
        rule,
        at,
        location === undefined
          ? "a tensor lies in another file and does not say in which."
          : "a tensor names another file and does not lie in it.",
      );
    if (location !== undefined) this.locations.add(location);
    if (this.locations.size > mostLocations)
      throw new Refused(rule, at, `more than ${mostLocations} files are named.`);
    this.#place = new Map();
    this.#isExternal = false;
  }
}

/** Why this cannot be said of a tensor's place; `*` is in none but the address of memory that ONNX Runtime reads. */
function problemOf(key: string, value: string): string | undefined {
  if (!knownKeys.has(key)) return "is no key of external data";
  if (key === "checksum") return undefined;
  if (key !== "location")
    return /^\d{1,15}$/.test(value) ? undefined : `is ${JSON.stringify(value)}, which is no number`;
  const problem = value.includes("*") ? "it names memory" : pathProblem(value);
  return problem === undefined ? undefined : `leads out of the file's folder: ${problem}`;
}
