/**
 * The one version of this repository: in package.json, package-lock.json, and in each workflow that runs the action of its own version.
 *   npx node scripts/version.ts                 prints it
 *   npx node scripts/version.ts set 1.2.3       writes it everywhere
 *   npx node scripts/version.ts check [v1.2.3]  says where another one stands; with a tag: than the tag's
 * It works on the checkout that it is started in. Exit 0 done, 1 the versions differ, 2 wrong usage.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { valid } from "semver";

const usage = "usage: version.ts [set 1.2.3 | check [v1.2.3]]";
/** `uses:` of the action itself, or of one of its workflows, by an exact version. */
const own =
  /(uses:\s*["']?nsn\/director-image-action(?:\/[\w./-]+)?@v)(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?=["'\s]|$)/gm;
const workflows = ".github/workflows";

/** A version, where it stands. */
interface Place {
  readonly where: string;
  readonly version: string;
}

function manifest(): { version: string } {
  return JSON.parse(readFileSync("package.json", "utf8"));
}

function workflowFiles(): readonly string[] {
  if (!existsSync(workflows)) return [];
  return readdirSync(workflows)
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => join(workflows, name));
}

function places(): readonly Place[] {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const inWorkflows = workflowFiles().flatMap((file) => {
    const text = readFileSync(file, "utf8");
    return [...text.matchAll(own)].map(({ index, 2: version = "" }) => ({
      where: `${file}:${text.slice(0, index).split("\n").length}`,
      version,
    }));
  });
  return [
    { where: "package.json", version: manifest().version },
    { where: "package-lock.json", version: lock.version },
    { where: 'package-lock.json, packages[""]', version: lock.packages[""].version },
    ...inWorkflows,
  ];
}

function set(version: string): void {
  for (const file of ["package.json", "package-lock.json"]) {
    const document = JSON.parse(readFileSync(file, "utf8"));
    document.version = version;
    if (file === "package-lock.json") document.packages[""].version = version;
    writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  }
  for (const file of workflowFiles()) {
    const text = readFileSync(file, "utf8");
    const changed = text.replaceAll(own, `$1${version}`);
    if (changed !== text) writeFileSync(file, changed);
  }
}

/** Complaints, one a line; none when all is one version. */
function check(tag: string | undefined): readonly string[] {
  const wanted = tag === undefined ? manifest().version : tag.slice(1);
  return places()
    .filter(({ version }) => version !== wanted)
    .map(({ where, version }) => `${where}: the version is ${version}, wanted ${wanted}`);
}

function end(status: number, lines: readonly string[]): never {
  process.stderr.write(lines.map((line) => `${line}\n`).join(""));
  process.exit(status);
}

const [command, argument, ...rest] = process.argv.slice(2);
if (rest.length > 0) end(2, [usage]);
if (command === undefined) {
  process.stdout.write(`${manifest().version}\n`);
} else if (command === "set") {
  if (valid(argument) !== argument || argument === undefined)
    end(2, [`'${argument ?? ""}' is no version such as 1.2.3 or 1.2.3-rc.1`, usage]);
  set(argument);
} else if (command === "check") {
  if (argument !== undefined && (!argument.startsWith("v") || valid(argument) !== argument.slice(1)))
    end(2, [`'${argument}' is no tag such as v1.2.3 or v1.2.3-rc.1`, usage]);
  const complaints = check(argument);
  if (complaints.length > 0)
    end(1, [...complaints, "Nothing was changed. One version everywhere: npx node scripts/version.ts set VERSION"]);
} else {
  end(2, [usage]);
}
