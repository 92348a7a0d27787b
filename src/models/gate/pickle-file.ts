import { amount, type Input, type Reading } from "./input.ts";
import { pickle } from "./pickle.ts";
import { Names } from "./pickle-machine.ts";
import { Storages } from "./pytorch-storages.ts";
import { Refused } from "./refused.ts";

/** What a file of torch.save's legacy form begins with, as a pickled number; then its version (torch/serialization.py). */
const torchMagic = 0x1950a86a20f9469cfc6cn;
const torchVersion = 1001;

/** A file of pickles, one after the other to its end; or the legacy form of torch.save, which has storages behind them. */
export function* pickleFile(input: Input): Reading<void> {
  const first = yield* pickle(input);
  if (first === torchMagic) yield* legacy(input);
  else while (input.left > 0) yield* pickle(input);
}

function* legacy(input: Input): Reading<void> {
  const at = input.at;
  if ((yield* pickle(input)) !== torchVersion)
    throw new Refused(
      "pytorch-form",
      at,
      `the version of torch.save's form is not ${torchVersion}.`,
    );
  yield* pickle(input);
  const storages = new Storages(6);
  yield* pickle(input, { persistent: storages.take });
  const listAt = input.at;
  const list = yield* pickle(input);
  const keys = list instanceof Names && list.complete ? list.items : [];
  if (keys.length !== storages.keys.length || new Set(keys).size !== keys.length)
    throw new Refused("pytorch-storage", listAt, "the list of storages is not that of the pickle.");
  for (const key of keys) {
    const storage = storages.get(key);
    while (!input.has(8)) yield;
    const elements = input.u64();
    if (storage === undefined || elements !== storage.elements)
      throw new Refused(
        "pytorch-storage",
        input.at - 8,
        `the storage ${key} has ${amount(elements, "element")} here, ${storage?.elements ?? "none"} in the pickle.`,
      );
    input.skip(storage.bytes);
  }
}
