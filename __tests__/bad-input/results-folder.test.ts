import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { type Desk, openDesk } from "../commands/program.ts";
import { refusal } from "./world.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
  await desk.write("Dockerfile.director", "FROM scratch AS runtime\n");
  await desk.write("taken", "");
  await symlink("absent/below", join(desk.folder, "astray"));
});
afterAll(() => desk.remove());

it.each([
  ["is a file", "taken"],
  ["has a file for its parent", "taken/results"],
  ["is a link that leads nowhere", "astray"],
])("a results folder that %s is wrong usage, with its path", async (_, results) => {
  const said = await desk.cli(["build", "--image", "oci:out", "--results", results]);
  expect(said.code).toBe(2);
  expect(refusal(said)).toContain(`results: ${join(desk.folder, results)} is not a folder.`);
});
