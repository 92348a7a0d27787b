import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { miniatureFiles } from "./models.ts";

const help = `Usage: npx node examples/miniature/make.ts --out DIR

Writes the miniature models to DIR/<repository>/<path>: five models of about 45 MB together, in
the formats of the real ones. The bytes are the same on every machine. Files that are there and
intact are left alone.
`;

const { values } = parseArgs({
  options: { out: { type: "string" }, help: { type: "boolean", short: "h" } },
});
if (values.help) process.stdout.write(help);
else if (values.out === undefined) {
  process.stderr.write(`--out is missing.\n\n${help}`);
  process.exitCode = 2;
} else await make(values.out);

async function make(out: string): Promise<void> {
  let files = 0;
  let written = 0;
  let bytes = 0;
  for (const [path, data] of miniatureFiles()) {
    files += 1;
    bytes += data.length;
    if (await writeIfDifferent(out, path, data)) written += 1;
  }
  const size = (bytes / 1e6).toFixed(1);
  process.stdout.write(`${files} files, ${size} MB, ${written} written: ${out}\n`);
}

/** A file appears whole or not at all, and never as a part beside the others. */
async function writeIfDifferent(out: string, name: string, data: Buffer): Promise<boolean> {
  const path = join(out, name);
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(data)) return false;
  await mkdir(dirname(path), { recursive: true });
  const part = join(out, `.${process.pid}.part`);
  await writeFile(part, data);
  await rename(part, path);
  return true;
}
