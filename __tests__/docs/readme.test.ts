import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, jest } from "@jest/globals";
import { inputs } from "../../src/config/inputs.ts";

jest.setTimeout(300_000);

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

const readme = readFileSync(join(root, "README.md"), "utf8");
const workflows = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);

describe("the README", () => {
  it("has a complete workflow that actionlint finds nothing in, inputs and outputs of the action included", () => {
    expect(workflows.length).toBeGreaterThan(0);
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    cpSync(join(root, "action.yml"), join(folder, "action.yml"));
    for (const entry of ["main", "post"]) {
      mkdirSync(join(folder, `dist/${entry}`), { recursive: true });
      writeFileSync(join(folder, `dist/${entry}/index.js`), "");
    }
    const files = workflows.map((text, at) => {
      const file = join(folder, `.github/workflows/readme-${at}.yml`);
      writeFileSync(file, text.replaceAll(/nsn\/director-image-action@v\d+/g, "./"));
      return file;
    });
    execFileSync("git", ["init", "--quiet", folder]);
    const actionlint = execFileSync(join(root, "scripts/setup/go-tool.sh"), ["actionlint"], {
      encoding: "utf8",
    }).trim();
    expect(
      execFileSync(actionlint, ["-shellcheck=", "-pyflakes=", ...files], {
        cwd: folder,
        encoding: "utf8",
      }),
    ).toBe("");
  });

  it("names only files that are there", () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(5);
    for (const link of links)
      expect(() => execFileSync("test", ["-e", join(root, link)])).not.toThrow();
  });

  it("names only flags that are inputs, commands' own, or docker run's", () => {
    const flags = [...readme.matchAll(/(?<!-)--([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
    const own = ["help", "json", "out", "image", "dir", "to", "open"];
    const ofDocker = ["rm", "gpus", "read-only", "tmpfs"];
    const known = [...Object.keys(inputs), ...own, ...ofDocker];
    expect(flags.filter((name) => !known.includes(name))).toEqual([]);
  });
});
