import { Global } from "./pickle-globals.ts";
import { mostNames, type Value } from "./pickle-machine.ts";

interface Storage {
  readonly elements: number;
  /** Of the elements. */
  readonly bytes: number;
  /** Whether its bytes are in the file: those of the device `meta` are nowhere. */
  readonly stored: boolean;
}

/** The storages that a pickle of torch.save names by persistent ids: `("storage", class, key, location, elements)`. */
export class Storages {
  readonly #byKey = new Map<string, Storage>();
  readonly #idSize: number;

  /** `idSize` is 5 in zips, 6 in the legacy form, which adds what it is a view of. */
  constructor(idSize: 5 | 6) {
    this.#idSize = idSize;
  }

  /** Takes a persistent id; says why it is none of torch.save. */
  readonly take = (id: Value): string | undefined => {
    if (!Array.isArray(id) || id.length !== this.#idSize)
      return "the persistent id is none of a storage.";
    const [kind, type, key, location, elements] = id as readonly Value[];
    const elementSize = type instanceof Global ? type.elementSize : undefined;
    if (kind !== "storage" || elementSize === undefined)
      return "the persistent id is none of a storage.";
    if (typeof key !== "string" || !/^\d{1,20}$/.test(key) || typeof location !== "string")
      return "the storage's key is no number, or its location no text.";
    if (typeof elements !== "number" || elements < 0)
      return `the storage ${key} has no possible number of elements.`;
    return this.#add(key, {
      elements,
      bytes: elements * elementSize,
      stored: location !== "meta",
    });
  };

  get(key: string): Storage | undefined {
    return this.#byKey.get(key);
  }

  /** Keys of those whose bytes the file has. */
  get keys(): readonly string[] {
    return [...this.#byKey].flatMap(([key, { stored }]) => (stored ? [key] : []));
  }

  #add(key: string, storage: Storage): string | undefined {
    if (!Number.isSafeInteger(storage.bytes))
      return `the storage ${key} has no possible number of elements.`;
    const before = this.#byKey.get(key);
    if (before !== undefined && before.bytes !== storage.bytes)
      return `the storage ${key} has ${storage.bytes} bytes here, ${before.bytes} before.`;
    if (this.#byKey.size >= mostNames) return `there are more than ${mostNames} storages.`;
    this.#byKey.set(key, before ?? storage);
    return undefined;
  }
}
