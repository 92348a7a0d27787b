import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { predicateTypes } from "../../src/attest/predicates.ts";
import { verifyImageCommand } from "../../src/commands/verify.ts";
import { trusted } from "../../src/pipeline/verify/identity.ts";
import { words } from "../commands/program.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/verification.md"), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));
const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text = ""]) =>
  words(text.replaceAll("\\\n", " ")),
);

describe("docs/verification.md", () => {
  it("has a row for every flag of the command, with its default", () => {
    const flags = verifyImageCommand.flags ?? [];
    const documented = rows.filter(([name = ""]) => name.startsWith("`--"));
    expect(documented.map(([name]) => name?.replaceAll("`", ""))).toEqual(
      flags.map(({ flag }) => flag.split(" ")[0]),
    );
    for (const { flag, default: value } of flags) {
      if (value === undefined || !value.length || value.startsWith("https:")) continue;
      const [name] = flag.split(" ");
      expect(documented.find(([own]) => own === `\`${name}\``)?.[1]).toBe(`\`${value}\``);
    }
  });

  it("has a row for every check", () => {
    const checks = ["provenance", "runtime", "weights", "scan", "acceptance", "sbom", "bytes"];
    const documented = rows.map(([name = ""]) => name.replaceAll("`", ""));
    expect(documented.filter((name) => checks.includes(name))).toEqual(checks);
  });

  it.each(Object.values(predicateTypes))("names %s", (type) => {
    expect(page).toContain(`\`${type}\``);
  });

  it("shows commands of this program that it understands", () => {
    const [verify = []] = commands;
    const value = (name: string) => verify[verify.indexOf(name) + 1];
    expect(verify.slice(0, 2)).toEqual(["director-image", "verify"]);
    expect(
      trusted({
        identity: value("--identity"),
        issuer: "https://token.actions.githubusercontent.com",
        repository: value("--repository"),
        ref: undefined,
      }),
    ).toMatchObject({ repository: "https://github.com/nsn/nsn" });
  });
});
