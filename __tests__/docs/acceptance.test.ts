import { describe, expect, it } from "@jest/globals";
import { checks } from "../../src/acceptance/checks.ts";
import { acceptanceInputs, withDefaults } from "../../src/config/read.ts";
import { acceptResult } from "../../src/results/stages.ts";
import { documentedFields, documentedFigures, namesOf } from "./acceptance.ts";

/** A zod schema, as far as it is asked for what is in it. */
interface Shape {
  readonly def: {
    readonly type: string;
    readonly innerType?: Shape;
    readonly element?: Shape;
    readonly shape?: Readonly<Record<string, Shape>>;
  };
}

/** The path of every field of a schema, `[]` after those that are lists. */
function pathsOf({ def }: Shape, at = ""): readonly string[] {
  if (def.innerType !== undefined) return pathsOf(def.innerType, at);
  if (def.element !== undefined) return pathsOf(def.element, `${at}[]`);
  const inside = Object.entries(def.shape ?? {}).flatMap(([name, shape]) =>
    pathsOf(shape, at === "" ? name : `${at}.${name}`),
  );
  return at === "" ? inside : [at, ...inside];
}

describe("The result, in docs/acceptance.md", () => {
  it("names every field of the schema, and no other", () => {
    const paths = pathsOf(acceptResult as unknown as Shape);
    expect(paths).toContain("vram.samples[].bytes");
    expect([...documentedFields.keys()].toSorted()).toEqual(paths.toSorted());
  });

  it("names every input that a result has", () => {
    const inputs = acceptanceInputs(
      withDefaults((name) => (name === "chain-url" ? "ws://a" : undefined)),
    );
    expect(namesOf(documentedFields.get("inputs")?.is ?? "").toSorted()).toEqual(
      Object.keys(inputs).toSorted(),
    );
  });

  it("has the figures of every check", () => {
    expect([...documentedFigures.keys()]).toEqual(checks.map(({ name }) => name));
  });
});
