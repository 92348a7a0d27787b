import { readFileSync, readlinkSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Scratch } from "./scratch.ts";

/** A variable of scripts/services.sh; without it there is nothing to measure with. */
export function service(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  throw new Error(`${name} is not set: run scripts/services.sh run npm run bench.`);
}

/** The process id of a service, from the file beside its socket. */
export function servicePid(socket: string, name: string): number {
  const file = join(dirname(socket.replace(/^unix:\/\//, "")), `${name}.pid`);
  return Number(readFileSync(file, "utf8").split(" ")[0]);
}

/** The program that runs as this service. */
export function serviceProgram(socket: string, name: string): string {
  return readlinkSync(`/proc/${servicePid(socket, name)}/exe`);
}

/** Gives docker a configuration of this run's own, with the services' plug-ins: builders and log-ins go away with it. */
export async function ownDockerConfig(scratch: Scratch): Promise<void> {
  const folder = await scratch.folder("docker");
  await symlink(join(service("DOCKER_CONFIG"), "cli-plugins"), join(folder, "cli-plugins"));
  process.env["DOCKER_CONFIG"] = folder;
}
