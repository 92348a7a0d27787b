import type { Environment } from "../config/environment.ts";
import type { InputName } from "../config/inputs.ts";
import type { Ports } from "../pipeline/ports.ts";

/** One command of the command line. */
export interface Command {
  /** `run`, `models push`. */
  readonly name: string;
  readonly summary: string;
  readonly example: string;
  /** Positional arguments as commander writes them, such as `<ref>` or `[old]`. */
  readonly arguments?: string;
  /** Inputs of the action that are flags here. */
  readonly inputs?: readonly InputName[];
  /** Whether flags that it does not know are let through, for a command that is not there yet. */
  readonly anyFlags?: true;
  /** Flags of its own. */
  readonly flags?: readonly Flag[];
  readonly run: (given: Given, context: Context) => Promise<Outcome>;
}

export interface Flag {
  /** As commander writes it: `--lock <file>`, `--open`; `--tag <tag...>` may be repeated, with one value each time. */
  readonly flag: string;
  readonly description: string;
  readonly default?: string;
  readonly required?: true;
}

/** What stood on the command line. */
export interface Given {
  readonly arguments: readonly string[];
  /** One value; lines where the flag was repeated. */
  readonly value: (name: string) => string | undefined;
  readonly values: (name: string) => readonly string[];
  readonly isSet: (name: string) => boolean;
}

export interface Context {
  readonly ports: Ports;
  readonly environment: Environment;
}

/** What a command found: a document for programs, lines for people. */
export interface Outcome {
  readonly json: object;
  readonly text: readonly string[];
  /** 1 where a check said no although the command itself went well. */
  readonly exitCode?: number;
}
