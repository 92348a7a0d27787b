import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "../..");

it("a step masks every secret, whole and line by line, before it says that another input is wrong", () => {
  const { stdout } = spawnSync(join(root, "node_modules/.bin/node"), [join(root, "src/main.ts")], {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      RUNNER_TEMP: tmpdir(),
      GITHUB_REPOSITORY_OWNER: "nsn",
      "INPUT_HUB-TOKEN": " hunter1 ",
      INPUT_SECRETS: '"KEY=begin\nhunter2=\nend"\nTOKEN=hunter3',
      INPUT_STAGE: "wrong",
    },
  });
  const said = stdout.trimEnd().split("\n");
  expect(said.slice(0, -1)).toEqual(
    ["hunter1", "begin%0Ahunter2=%0Aend", "begin", "hunter2=", "end", "hunter3"].map(
      (secret) => `::add-mask::${secret}`,
    ),
  );
  expect(said.at(-1)).toMatch(/^::error::stage: "wrong"/);
});
