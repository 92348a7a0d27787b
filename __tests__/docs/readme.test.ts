import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { inputs } from "../../src/config/inputs.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

describe("the README", () => {
  it("names only flags that are inputs, commands' own, or docker run's", () => {
    const flags = [...readme.matchAll(/(?<!-)--([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
    const own = ["help", "json", "out", "image", "dir", "to", "open"];
    const ofDocker = ["rm", "gpus", "read-only", "tmpfs"];
    const known = [...Object.keys(inputs), ...own, ...ofDocker];
    expect(flags.filter((name) => !known.includes(name))).toEqual([]);
  });
});
