import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RegistryOptions } from "../../../src/stores/registry/registry-store.ts";
import { registries } from "./registries.ts";

export const user = { username: "octocat", password: "gh/p:ss" };

export const login = (host: string, password = user.password): RegistryOptions => ({
  login: { registry: host, username: user.username, password },
});

/** Registries, and folders with a config.json of Docker for their log-ins. */
export function authorizing() {
  const { closing, registry } = registries();
  async function config(value: object | string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "docker-config-"));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const text = typeof value === "string" ? value : JSON.stringify(value);
    await writeFile(join(folder, "config.json"), text);
    return folder;
  }
  return { closing, registry, config };
}
