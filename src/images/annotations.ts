type Texts = Readonly<Record<string, string>>;

/** The `annotations` field of a manifest or index: sorted, so that the same ones give the same bytes; absent where there are none. */
export function annotated(annotations: Texts): { annotations?: Texts } {
  return Object.keys(annotations).length === 0 ? {} : { annotations: sorted(annotations) };
}

/** The same texts in the order of their keys. */
export function sorted(texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
