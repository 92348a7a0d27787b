import { Command as Commander, CommanderError, Option } from "commander";
import type { Input } from "../config/input.ts";
import { type InputName, inputs } from "../config/inputs.ts";
import { UsageError } from "../errors.ts";
import { printable } from "../host/printable.ts";
import type { Command, Context, Flag, Given, Outcome } from "./command.ts";

/** How the inputs say that they are true or false. */
const truth = "true|false";

/** Flags that every command takes. */
export interface Common {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly plainHttp: boolean;
}

export interface Surroundings {
  readonly context: (common: Common, given: Given) => Context;
  /** Standard output. */
  readonly print: (text: string) => void;
  readonly version: string;
}

/** Reads the arguments, runs the command that they name and gives the exit code. Errors are thrown. */
export async function runProgram(
  argv: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  let exitCode = 0;
  const root = new Commander("director-image")
    .description("Builds, checks and publishes container images that carry large AI weights.")
    .version(surroundings.version)
    .configureOutput({
      writeOut: surroundings.print,
      writeErr: () => undefined,
      outputError: () => undefined,
    })
    .addHelpText(
      "after",
      "\nExit codes: 0 done; 1 a check, gate or hash said no; 2 wrong usage, input or lock; 3 the outside world failed; 70 a fault of our own.",
    );
  strict(root);
  const groups = new Map<string, Commander>();
  for (const command of commands) {
    const [group, name] = command.name.split(" ") as [string, string?];
    const parent = name === undefined ? root : groupOf(root, group, groups);
    const entry = parent
      .command(name ?? group)
      .summary(command.summary)
      .description(command.summary);
    declare(entry, command);
    entry.action(async () => {
      const outcome = await runOne(command, entry, surroundings);
      exitCode = outcome.exitCode ?? 0;
    });
  }
  try {
    await root.parseAsync([...withBareFlags(argv)], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const none = error.code === "commander.help";
    throw new UsageError(none ? "No command was given." : error.message.replace(/^error: /, ""), {
      todo: `See: ${["director-image", ...namedBy(argv, commands), "--help"].join(" ")}`,
    });
  }
  return exitCode;
}

/** Inputs that are true or false are written `--force` as well as `--force true`. */
function withBareFlags(argv: readonly string[]): readonly string[] {
  return argv.map((argument, at) => {
    const input = Object.entries(inputs).find(([name]) => argument === `--${name}`)?.[1];
    const bare = input?.value === truth && !/^(true|false)$/.test(argv[at + 1] ?? "");
    return bare ? `${argument}=true` : argument;
  });
}

/** The words of the command, or of the group of commands, that was meant. */
function namedBy(argv: readonly string[], commands: readonly Command[]): readonly string[] {
  const [first = "", second = ""] = argv;
  if (commands.some(({ name }) => name === `${first} ${second}`)) return [first, second];
  return commands.some(({ name }) => name.split(" ")[0] === first) ? [first] : [];
}

async function runOne(
  command: Command,
  entry: Commander,
  { context, print }: Surroundings,
): Promise<Outcome> {
  const options = entry.opts() as Record<string, string | readonly string[] | boolean | undefined>;
  const given = givenOf(entry.args, options);
  const common: Common = {
    json: given.isSet("json"),
    quiet: given.isSet("quiet"),
    verbose: given.isSet("verbose"),
    plainHttp: given.isSet("plain-http"),
  };
  const outcome = await command.run(given, context(common, given));
  if (common.json) print(`${JSON.stringify(outcome.json, null, 2)}\n`);
  // Labels, certificates and the like are others' words.
  else if (outcome.text.length > 0) print(`${printable(outcome.text.join("\n"), new Set())}\n`);
  return outcome;
}

function givenOf(
  args: readonly string[],
  options: Readonly<Record<string, string | readonly string[] | boolean | undefined>>,
): Given {
  const key = (name: string) =>
    name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const values = (name: string) => {
    const value = options[key(name)];
    return value === undefined || typeof value === "boolean" ? [] : [value].flat();
  };
  return {
    arguments: args,
    values,
    value: (name) => (values(name).length === 0 ? undefined : values(name).join("\n")),
    isSet: (name) => options[key(name)] === true,
  };
}

function declare(entry: Commander, command: Command): void {
  if (command.arguments !== undefined) entry.arguments(command.arguments);
  if (command.anyFlags === true) entry.allowUnknownOption();
  for (const name of command.inputs ?? []) entry.addOption(inputOption(name));
  for (const flag of command.flags ?? []) entry.addOption(ownOption(flag));
  entry
    .option("--json", "print one JSON document on standard output")
    .option("--quiet", "warnings and results only")
    .option("--verbose", "more than a person usually wants")
    .option("--plain-http", "reach registries without TLS (loopback needs no flag)")
    .addHelpText("after", `\nExample:\n  ${command.example}`);
  strict(entry);
}

/** Commander must throw instead of ending the process, and shows nothing by itself. */
function strict(entry: Commander): void {
  entry.exitOverride().allowExcessArguments(false).showHelpAfterError(false);
}

function inputOption(name: InputName): Option {
  const input: Input = inputs[name];
  const shown =
    input.default === "" || input.default.includes("\n") ? "" : ` (default: ${input.default})`;
  const value = input.value === truth ? `[${truth}]` : `<${input.value}>`;
  const described = `${input.description}${shown}`;
  const option =
    input.lines === true
      ? repeated(`--${name} ${value}`, described)
      : new Option(`--${name} ${value}`, described);
  // Commander takes `--no-cache` for the opposite of `--cache`, which is another input.
  option.negate = false;
  return option;
}

/** A flag that may be repeated and takes one value each time: commander's own kind swallows the arguments that follow. */
function repeated(flag: string, description: string): Option {
  return new Option(flag, `${description} (may be repeated)`).argParser<readonly string[]>(
    (value, before = []) => [...before, value],
  );
}

function ownOption({ flag, description, default: value, required }: Flag): Option {
  const once = flag.replace(/\.\.\.>$/, ">");
  const option = once === flag ? new Option(flag, description) : repeated(once, description);
  if (value !== undefined) option.default(value);
  return required === true ? option.makeOptionMandatory() : option;
}

function groupOf(root: Commander, name: string, groups: Map<string, Commander>): Commander {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group = root.command(name).description(`${name}: see ${name} --help`);
  strict(group);
  groups.set(name, group);
  return group;
}
