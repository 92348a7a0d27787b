import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { type Desk, openDesk } from "./program.ts";

jest.setTimeout(60_000);

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.remove());

it("run refuses a signature that nobody can make before anything is built", async () => {
  const said = await desk.cli([
    ...["run", "--image", "127.0.0.1:9/director", "--results", "results", "--models", ""],
    ...["--acceptance", "off", "--allow-untested", "a test", "--sign", "required"],
  ]);
  expect(said).toMatchObject({ code: 2, stdout: "" });
  expect(said.stderr).toContain("sign: required, but this is no job of a workflow");
  expect(said.stderr).toContain("id-token: write");
  expect(await readdir(join(desk.folder, "results"))).toEqual(["prepare.json"]);
});

it("run refuses to attach what it may not sign", async () => {
  const said = await desk.cli([
    ...["run", "--image", "127.0.0.1:9/director", "--sign", "off", "--sbom", "true"],
  ]);
  expect(said).toMatchObject({ code: 2, stdout: "" });
  expect(said.stderr).toContain("sign: off and sbom: true contradict each other");
});
