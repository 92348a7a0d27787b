import { readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import { commands } from "../../src/commands/all.ts";
import type { Command, Context, Given } from "../../src/commands/command.ts";
import { runProgram } from "../../src/commands/program.ts";
import { explain } from "../../src/errors.ts";
import { openDesk, words } from "./program.ts";

/** What the program prints, and what the command that it finds is given; nothing is run. */
async function parse(argv: readonly string[]) {
  const printed: string[] = [];
  const reached: { name: string; given: Given }[] = [];
  const silenced = commands.map(
    (command): Command => ({
      ...command,
      run: async (given) => {
        reached.push({ name: command.name, given });
        return { json: {}, text: [] };
      },
    }),
  );
  const code = await runProgram(argv, silenced, {
    context: () => ({}) as Context,
    print: (text) => printed.push(text),
    version: "1.2.3",
  });
  return { code, printed: printed.join(""), reached };
}

const refused = async (...argv: string[]) => explain(await parse(argv).catch((error) => error));

describe("the help", () => {
  it.each(commands.map(({ name }) => name))("of %s ends with an example", async (name) => {
    const { code, printed, reached } = await parse([...name.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(reached).toEqual([]);
    expect(printed).toContain(`Usage: director-image ${name} [options]`);
    expect(printed).toMatch(/\nExample:\n {2}director-image /);
    for (const common of ["--json", "--quiet", "--plain-http"]) expect(printed).toContain(common);
  });

  it.each(
    commands.filter(({ example }) => !example.endsWith("--help")).map((c) => [c.name, c.example]),
  )("of %s has an example that the program itself understands", async (name, example) => {
    const [program, ...argv] = words(example);
    const { reached } = await parse(argv);
    expect(program).toBe("director-image");
    expect(reached.map((one) => one.name)).toEqual([name]);
  });

  it("lists every command, and the exit codes", async () => {
    const { printed } = await parse(["--help"]);
    for (const { name } of commands) expect(printed).toContain(`  ${name.split(" ")[0]} `);
    expect(printed).toMatch(/Exit codes: 0 done; 1 .*; 2 .*; 3 .*; 70 /);
    const group = await parse(["models", "--help"]);
    for (const verb of ["lock", "plan", "push", "pull", "verify"])
      expect(group.printed).toContain(`  ${verb} [options]`);
  });

  it("says of later commands that they are not in this version", async () => {
    const { printed } = await parse(["doctor", "--help"]);
    expect(printed).toContain("(not in this version)");
  });
});

describe("the flags", () => {
  it("that repeat give a list, and one value joined by lines for an input of lines", async () => {
    const { reached } = await parse(["run", "--tags", "type=sha", "--tags", "type=edge"]);
    expect(reached[0]?.given.value("tags")).toBe("type=sha\ntype=edge");
    expect(reached[0]?.given.values("tags")).toEqual(["type=sha", "type=edge"]);
  });

  it("that are true or false need no value, and do not swallow what follows", async () => {
    const { reached } = await parse(
      words("promote --force 127.0.0.1:5000/x@sha256:0 --tag a --results r"),
    );
    expect(reached[0]?.given.value("force")).toBe("true");
    expect(reached[0]?.given.arguments).toEqual(["127.0.0.1:5000/x@sha256:0"]);
    const explicit = await parse(words("promote x --tag a --results r --force false"));
    expect(explicit.reached[0]?.given.value("force")).toBe("false");
  });

  it("have the defaults that the help says", async () => {
    const { reached } = await parse(["models", "push", "--to", "oci:x"]);
    expect(reached[0]?.given.value("lock")).toBe("models.lock.json");
    expect(reached[0]?.given.value("jobs")).toBe("4");
    expect(reached[0]?.given.isSet("allow-copy")).toBe(false);
  });
});

describe("a command line that is wrong", () => {
  it.each([
    ["no command", [], "No command was given.\n  See: director-image --help"],
    [
      "no command of a group",
      ["models"],
      "No command was given.\n  See: director-image models --help",
    ],
    ["an unknown command", ["pusch"], "unknown command 'pusch'\n  See: director-image --help"],
    [
      "an unknown command of a group",
      ["models", "x"],
      "unknown command 'x'\n  See: director-image models --help",
    ],
    [
      "an unknown flag",
      ["run", "--nope"],
      "unknown option '--nope'\n  See: director-image run --help",
    ],
    [
      "a flag without its value",
      ["models", "push", "--to"],
      "option '--to <repository[:tag]>' argument missing\n  See: director-image models push --help",
    ],
    [
      "a missing flag",
      ["models", "pull"],
      "required option '--out <dir>' not specified\n  See: director-image models pull --help",
    ],
    [
      "a missing argument",
      ["promote", "--tag", "a", "--results", "r"],
      "missing required argument 'ref'\n  See: director-image promote --help",
    ],
    [
      "too many arguments",
      ["models", "plan", "x"],
      "too many arguments for 'plan'. Expected 0 arguments but got 1.\n  See: director-image models plan --help",
    ],
  ])("with %s is told so, and where to look", async (_, argv, message) => {
    expect(await refused(...(argv as string[]))).toBe(message);
  });
});

it("the version is the package's", async () => {
  const { version } = JSON.parse(await readFile("package.json", "utf8"));
  const desk = await openDesk();
  try {
    expect(await desk.cli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  } finally {
    await desk.remove();
  }
});
