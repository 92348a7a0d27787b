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
  ["is a file", "taken", /ENOTDIR: .*taken/],
  ["has a file for its parent", "taken/results", /ENOTDIR: .*taken\/results/],
  ["is a link that leads nowhere", "astray", /ENOENT: .*astray/],
])("a results folder that %s is the disk's refusal, with its path", async (_, results, says) => {
  const said = await desk.cli(["build", "--image", "oci:out", "--results", results]);
  expect(said.code).toBe(3);
  expect(refusal(said)).toMatch(says);
});
