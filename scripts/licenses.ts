/**
 * Writes the licences of everything that the bundles may hold, by package and version: `npx node scripts/licenses.ts FILE`. (ncc's own
 * list takes the text of either one where two versions of a package are there, and so differs from run to run.)
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

const root = join(import.meta.dirname, "..");
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  packages: Readonly<Record<string, Locked>>;
};

const texts = new Map<string, string>();
for (const [path, { version, license, dev, devOptional }] of Object.entries(packages)) {
  const folder = join(root, path);
  if (path === "" || dev === true || devOptional === true || !existsSync(folder)) continue;
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const file = readdirSync(folder)
    .sort()
    .find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
  texts.set(`${name} ${version}`, `${license ?? "no licence named"}\n\n${text}`);
}
const sections = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(
  process.argv[2] ?? "licenses.txt",
  sections.map(([title, text]) => `${title}: ${text}\n`).join(`\n${"-".repeat(80)}\n`),
);
