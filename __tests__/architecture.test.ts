import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { describe, expect, it } from "@jest/globals";

const src = join(import.meta.dirname, "..", "src");

/** What each folder of src/ may import: the folders below it in rank, then packages. docs/architecture.md shows the same table. */
const values = ["amount", "errors", "images", "layers"];
const shared = [
  ...values,
  "download",
  "owner",
  "ports",
  "random-id",
  "replace-file",
  "results",
  "retry",
  "sigstore",
];
const stages = [
  "config",
  "models",
  "stores",
  "buildx",
  "metadata",
  "assembly",
  "acceptance",
  "sarif",
  "trivy",
  "attest",
];
const allowed: Record<string, readonly string[]> = {
  errors: [],
  amount: [],
  owner: ["errors"],
  images: ["errors"],
  layers: ["errors", "images"],
  ports: values,
  download: ["errors", "images", "ports"],
  "random-id": ["ports"],
  "replace-file": ["ports"],
  results: [...values, "ports", "replace-file", "zod"],
  retry: ["errors", "ports"],
  sigstore: [
    ...values,
    "ports",
    "retry",
    "zod",
    "@sigstore/bundle",
    "@sigstore/protobuf-specs",
    "@sigstore/verify",
  ],
  ...Object.fromEntries(stages.map((stage) => [stage, shared])),
  models: [...shared, "zod"],
  buildx: [...shared, "semver"],
  metadata: [...shared, "semver"],
  assembly: [...shared, "tar-stream"],
  trivy: [...shared, "zod"],
  attest: [...shared, "zod"],
  acceptance: [...shared, "ws", "@grpc/grpc-js", "@grpc/proto-loader"],
  report: shared,
  pipeline: [...shared, ...stages, "report"],
  host: ["amount", "errors", "ports", "undici"],
  runner: [
    "errors",
    "ports",
    "host",
    "@actions/artifact",
    "@actions/cache",
    "@actions/core",
    "@actions/tool-cache",
  ],
  terminal: ["errors", "ports", "host"],
  commands: [
    ...shared,
    ...stages,
    "report",
    "pipeline",
    "host",
    "terminal",
    "commander",
    "string-argv",
  ],
};

describe.each(Object.keys(allowed))("src/%s", (folder) => {
  const single = join(src, `${folder}.ts`);
  const files = existsSync(single) ? [single] : filesIn(join(src, folder));

  it.each(files)("%s imports only what its folder may", (file) => {
    expect(
      importsOf(file).filter((name) => name !== folder && !allowed[folder]?.includes(name)),
    ).toEqual([]);
  });

  it.each(files)("%s has at most 250 lines", (file) => {
    expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(250);
  });
});

it("has no folder that the table does not know", () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !(name in allowed))).toEqual([]);
});

it("reads environment variables only in config and in the entries", () => {
  const readers = readdirSync(src, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /\bprocess\.env\b/.test(readFileSync(file, "utf8")))
    .map((file) => file.slice(src.length + 1));
  expect(
    readers.filter((file) => !["cli.ts", "main.ts", "post.ts", "host/exec.ts"].includes(file)),
  ).toEqual([]);
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Names the folder or package behind every import of a file; node: built-ins are left out. */
function importsOf(file: string): string[] {
  const specifiers = readFileSync(file, "utf8").matchAll(/\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/g);
  return [...specifiers].flatMap((match) => {
    const specifier = match[1] ?? match[2] ?? "";
    if (specifier.startsWith("node:")) return [];
    if (!specifier.startsWith(".")) return [specifier];
    const target = normalize(join(dirname(file), specifier)).slice(src.length + 1);
    return target.includes(sep) ? [target.split(sep)[0] ?? ""] : [target.replace(/\.ts$/, "")];
  });
}
