import { z } from "zod";
import { parentFolders } from "../layers/layer.ts";
import { bytes, digest, parseDocument } from "../results/shape.ts";
import { filesOf, type Lock, lockName, type ModelFile, sizeOfLayer } from "./lock.ts";
import { largestLayerCount } from "./pack.ts";
import { address, delivery, filePath, modelName, root, sourceShape, title } from "./shapes.ts";

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: "wanted 64 hexadecimal digits in lower case" });

const source = sourceShape(
  z.string().regex(/^[0-9a-f]{40}$/, { error: "wanted a commit of 40 hexadecimal digits" }),
);

const shape = z.strictObject({
  version: z.literal(1, { error: "wanted 1, the only version that this program knows" }),
  root,
  models: z
    .array(
      z.strictObject({
        name: modelName,
        title,
        delivery,
        license: z.string().min(1).optional(),
        source,
        mirrors: z.array(address).optional(),
        files: z
          .array(
            z.strictObject({
              path: filePath,
              size: bytes,
              sha256,
              allow: z.string().min(1).optional(),
            }),
          )
          .min(1, { error: "wanted at least one file" }),
      }),
    )
    .min(1, { error: "wanted at least one model" }),
  layers: z
    .array(z.strictObject({ digest, size: bytes, files: z.array(z.string()).min(1) }))
    .max(largestLayerCount, {
      error: ({ input }) =>
        `there are ${(input as unknown[]).length} layers, at most ${largestLayerCount} are wanted`,
    })
    .optional(),
});

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const checkedShape = shape.check(({ value, issues }) => {
  for (const { path, message } of [...nameProblems(value), ...layerProblems(value)])
    issues.push({ code: "custom", path: [...path], message, input: value });
});

/** Reads a lock; a UsageError names the file, the place in it and what was wanted there. */
export function parseLock(text: string, where: string): Lock {
  return parseDocument(
    checkedShape,
    text,
    where,
    "Write it with: director-image models lock --spec models.json",
  );
}

/** Names that are there twice, and what is wrong among the paths of each model. */
function nameProblems({ models }: Lock): readonly Problem[] {
  const names = new Set<string>([lockName]);
  return models.flatMap(({ name, files }, at) => {
    const taken = names.has(name);
    names.add(name);
    const why = name === lockName ? "is the lock's own place" : "is there twice";
    return [
      ...(taken ? [{ path: ["models", at, "name"], message: `"${name}" ${why}` }] : []),
      ...pathProblems(files).map(({ path, message }) => ({
        path: ["models", at, "files", ...path, "path"],
        message,
      })),
    ];
  });
}

/** Paths that are there twice (also by case, as some file systems see it), or that are a file and a folder at once. */
function pathProblems(files: Lock["models"][number]["files"]): readonly Problem[] {
  const key = (path: string) => path.normalize("NFC").toLowerCase();
  const folders = new Set(files.flatMap(({ path }) => parentFolders(key(path))));
  const seen = new Map<string, string>();
  return files.flatMap(({ path }, at) => {
    const twin = seen.get(key(path));
    seen.set(key(path), path);
    if (twin === path) return [{ path: [at], message: `"${path}" is there twice` }];
    if (twin !== undefined)
      return [{ path: [at], message: `"${path}" and "${twin}" differ by case only` }];
    if (!folders.has(key(path))) return [];
    return [{ path: [at], message: `"${path}" is also the folder of another file` }];
  });
}

/** Layers that do not hold every file exactly once, or whose size cannot be right. */
function layerProblems({ root: top, models, layers }: Lock): readonly Problem[] {
  if (layers === undefined) return [];
  const problems: Problem[] = [];
  const missing = new Map(filesOf(models).map((file) => [file.id, file]));
  const known = new Set(missing.keys());
  for (const [at, { size, files }] of layers.entries()) {
    const members: ModelFile[] = [];
    for (const [index, id] of files.entries()) {
      const file = missing.get(id);
      missing.delete(id);
      if (file !== undefined) members.push(file);
      else {
        const message = known.has(id) ? "is in a layer twice" : "is no file of models";
        problems.push({ path: ["layers", at, "files", index], message: `"${id}" ${message}` });
      }
    }
    if (members.length < files.length) continue;
    const wanted = sizeOfLayer(top, members);
    if (size !== wanted) {
      const message = `says ${size}, but its files make a layer of ${wanted} bytes`;
      problems.push({ path: ["layers", at, "size"], message });
    }
  }
  for (const id of missing.keys())
    problems.push({ path: ["layers"], message: `"${id}" is in no layer` });
  return problems;
}
