import { type Platform, parsePlatform } from "../images/platform.ts";
import { parseReference } from "../images/reference.ts";
import type { Source } from "./dockerfile.ts";

interface Stage {
  readonly name: string | undefined;
  readonly from: string;
}

type Values = Readonly<Record<string, string>>;

/**
 * The image that a Dockerfile's target stands on, as a person writes it in full (`docker.io/library/ubuntu:22.04`), for one platform: through
 * the stages, global ARGs and named contexts. Undefined where that is no image (`scratch`, a folder) or cannot be told. Pure.
 */
export function baseImage(
  text: string,
  { target, contexts }: Pick<Source, "target" | "contexts">,
  args: Values,
  platform: Platform,
): string | undefined {
  const { stages, defaults } = read(text);
  const values = { ...platformValues(platform), ...defaults(args) };
  let stage = find(stages, target) ?? stages.at(-1);
  for (let depth = 0; stage !== undefined && depth <= stages.length; depth++) {
    const from = expand(stage.from, values);
    const replaced = contexts[from] ?? contexts[from.toLowerCase()];
    const image: string = replaced?.replace(/^docker-image:\/\//, "") ?? from;
    if (replaced !== undefined && image === replaced) return undefined;
    const next =
      replaced === undefined ? find(stages.slice(0, stages.indexOf(stage)), from) : undefined;
    if (next === undefined) return fullName(image);
    stage = next;
  }
  return undefined;
}

/** Registry, repository, tag and digest written out; undefined for what is no image. */
export function fullName(image: string): string | undefined {
  if (image === "scratch") return undefined;
  try {
    const reference = parseReference(image);
    if (reference.kind !== "registry") return undefined;
    const { registry, repository, tag, digest } = reference;
    const name = `${registry}/${repository}`;
    if (digest !== undefined) return `${name}${tag === undefined ? "" : `:${tag}`}@${digest}`;
    return `${name}:${tag ?? "latest"}`;
  } catch {
    return undefined;
  }
}

function find(stages: readonly Stage[], name: string | undefined): Stage | undefined {
  if (name === undefined) return undefined;
  return (
    stages.find((stage) => stage.name === name.toLowerCase()) ??
    (/^\d+$/.test(name) ? stages[Number(name)] : undefined)
  );
}

/** Stages, and the global ARGs (those before the first FROM) with the values that they get. */
function read(text: string): { stages: readonly Stage[]; defaults: (args: Values) => Values } {
  const lines = text
    .replace(/^\s*#.*\r?\n?/gm, "")
    .replace(/\\[ \t]*\r?\n/g, " ")
    .split(/\r?\n/);
  const from = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/i;
  const stages = lines.flatMap((line) => {
    const match = from.exec(line);
    return match === null ? [] : [{ from: match[1] ?? "", name: match[2]?.toLowerCase() }];
  });
  const first = lines.findIndex((line) => from.test(line));
  const globals = lines.slice(0, Math.max(first, 0)).flatMap((line) => {
    const match = /^\s*ARG\s+(\w+)(?:=(.*?))?\s*$/i.exec(line);
    return match === null
      ? []
      : [[match[1] ?? "", (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2")] as const];
  });
  const defaults = (args: Values) => {
    const values: Record<string, string> = {};
    for (const [name, value] of globals) values[name] = args[name] ?? expand(value, values);
    return values;
  };
  return { stages, defaults };
}

function platformValues(platform: Platform): Values {
  const { os, architecture, variant = "" } = parsePlatform(platform);
  return {
    TARGETPLATFORM: platform,
    TARGETOS: os,
    TARGETARCH: architecture,
    TARGETVARIANT: variant,
  };
}

const variable = /\$(?:(\w+)|\{(\w+)(?:(:?[-+])((?:[^{}$]|\$\w+|\$\{\w+\})*))?\})/g;

/** Dockerfile reference, "Environment replacement": `$A`, `${A}`, `${A:-word}`, `${A:+word}`. */
function expand(text: string, values: Values): string {
  return text.replace(variable, (_, bare, braced, operator = "", word = "") => {
    const value = values[bare ?? braced];
    const isThere = operator.startsWith(":") ? Boolean(value) : value !== undefined;
    if (operator.endsWith("+")) return isThere ? expand(word, values) : "";
    return isThere || operator === "" ? (value ?? "") : expand(word, values);
  });
}
