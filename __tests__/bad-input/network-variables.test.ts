import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { type Desk, openDesk } from "../commands/program.ts";
import { refusal } from "./world.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({ NODE_EXTRA_CA_CERTS: "" });
});
afterAll(() => desk.remove());

const lock = join(import.meta.dirname, "../../models.lock.json");
const rows = [
  ["https_proxy", "https://pro xy"],
  ["SSL_CERT_FILE", "/nonexistent"],
] as const;

it.each(rows)("a command that asks nobody does not mind %s=%s", async (name, value) => {
  const said = await desk.cli(["models", "plan", "--lock", lock], { [name]: value });
  expect(said).toMatchObject({ code: 0, stderr: "" });
});

it.each(rows)("a command that asks somebody refuses %s=%s by its name", async (name, value) => {
  const args = ["models", "verify", "--lock", lock, "--image", "127.0.0.1:1/nsn/models:v1"];
  const said = await desk.cli(args, { [name]: value });
  expect(said.code).toBe(2);
  expect(refusal(said)).toMatch(`${name}: `);
});
