import { describe, expect, it } from "@jest/globals";
import { commands } from "../../src/commands/all.ts";
import type { Command, Context, Given } from "../../src/commands/command.ts";
import { runProgram } from "../../src/commands/program.ts";
import type { Input } from "../../src/config/input.ts";
import { type InputName, inputs } from "../../src/config/inputs.ts";
import { words } from "./program.ts";

const names = Object.keys(inputs) as InputName[];
const everything: Command = {
  name: "everything",
  summary: "takes all inputs",
  example: "director-image everything",
  arguments: "[ref]",
  inputs: names,
  run: async () => ({ json: {}, text: [] }),
};

/** What a command is given for a command line, and what is printed; nothing is run. */
async function parse(argv: readonly string[], table: readonly Command[]) {
  const reached: Given[] = [];
  const printed: string[] = [];
  await runProgram(
    argv,
    table.map((command) => ({
      ...command,
      run: async (given) => {
        reached.push(given);
        return { json: {}, text: [] };
      },
    })),
    {
      context: () => ({}) as Context,
      print: (text) => printed.push(text),
      version: "1.2.3",
    },
  );
  return { given: reached[0], printed: printed.join("") };
}

describe("the flag of an input", () => {
  it.each(names)("--%s reaches its own input and no other", async (name) => {
    const value = inputs[name].value === "true|false" ? "true" : "a value";
    const { given } = await parse(["everything", `--${name}`, value, "ref"], [everything]);
    expect(given?.value(name)).toBe(value);
    expect(names.filter((other) => given?.value(other) !== undefined)).toEqual([name]);
    expect(given?.arguments).toEqual(["ref"]);
  });

  it("that is true or false is so without a value too, --no-cache included", async () => {
    const { given } = await parse(words("everything --no-cache --cache none ref"), [everything]);
    expect(given?.value("no-cache")).toBe("true");
    expect(given?.value("cache")).toBe("none");
    const off = await parse(words("everything --no-cache false"), [everything]);
    expect(off.given?.value("no-cache")).toBe("false");
  });

  it("says in the help whether it may be repeated", async () => {
    const { printed } = await parse(["everything", "--help"], [everything]);
    const flags = printed.replace(/\n {10,}/g, " ").split("\n");
    for (const name of names) {
      const input: Input = inputs[name];
      const line = flags.find((text) => text.startsWith(`  --${name} `));
      expect({ name, repeated: line?.includes("(may be repeated)") }).toEqual({
        name,
        repeated: input.lines === true,
      });
    }
  });
});

describe("a flag that may be repeated", () => {
  it.each([
    "promote --tag latest --tag 1.2.3 REF --results D",
    "promote --tag latest REF --tag 1.2.3 --results D",
    "promote REF --results D --tag latest --tag 1.2.3",
  ])("takes one value each time and leaves the argument: %s", async (line) => {
    const { given } = await parse(words(line), commands);
    expect(given?.arguments).toEqual(["REF"]);
    expect(given?.values("tag")).toEqual(["latest", "1.2.3"]);
  });

  it("is shown as such", async () => {
    const { printed } = await parse(["assemble", "--help"], commands);
    expect(printed.replace(/\s+/g, " ")).toContain(
      "--runtime <ref> runtime image: an index, or one per platform (may be repeated)",
    );
  });
});
