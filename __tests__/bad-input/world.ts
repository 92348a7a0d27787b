import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Hub, type HubOptions, startHub } from "../../examples/miniature/hub.ts";
import { type Desk, openDesk, type Said } from "../commands/program.ts";
import { safetensors } from "../commands/weights.ts";
import { type Fault, intercept } from "../fakes/faults.ts";
import { type FakeRegistry, startRegistry } from "../fakes/registry.ts";
import type { RegistryBehaviour } from "../fakes/registry-state.ts";

/** A desk with a lock of one model on a hub of its own: `weights.safetensors` (large) and `config.json`. */
export interface BadWorld {
  readonly desk: Desk;
  readonly hub: Hub;
  /** Faults of the hub; may be changed at any time. */
  readonly faults: Fault[];
  /** A registry that is closed with the world. */
  registry(behaviour?: RegistryBehaviour, faults?: readonly Fault[]): Promise<FakeRegistry>;
  /** `models push` of the lock. */
  push(to: string, ...more: readonly string[]): Promise<Said>;
  close(): Promise<void>;
}

export async function openWorld(options: Partial<HubOptions> = {}): Promise<BadWorld> {
  const faults: Fault[] = [];
  const base = await openDesk();
  const root = join(base.folder, "hub");
  const file = (path: string, bytes: Uint8Array | string) => {
    const place = join(root, "nsn/big", path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
  };
  file("weights.safetensors", safetensors(2_000_000));
  file("config.json", '{"a":1}\n');
  const hub = await startHub({ root, intercept: intercept(faults), ...options });
  const desk: Desk = {
    ...base,
    start: (args, env) => base.start(args, { HF_ENDPOINT: hub.endpoint, ...env }),
    cli: (args, env) => base.cli(args, { HF_ENDPOINT: hub.endpoint, ...env }),
  };
  const registries: FakeRegistry[] = [];
  const close = async () => {
    await base.remove();
    await Promise.all([hub.close(), ...registries.map((registry) => registry.close())]);
  };
  try {
    await desk.write(
      "models.json",
      JSON.stringify({
        version: 1,
        root: "/models",
        models: [
          {
            name: "big",
            title: "Big",
            delivery: "bake",
            source: { huggingface: "nsn/big", revision: "main" },
            files: ["weights.safetensors", "config.json"],
          },
        ],
      }),
    );
    const token = options.token === undefined ? {} : { HF_TOKEN: options.token };
    const locked = await desk.cli(["models", "lock"], token);
    if (locked.code !== 0) throw new Error(locked.stderr);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    desk,
    hub,
    faults,
    registry: async (behaviour, more) => {
      const registry = await startRegistry(behaviour, more);
      registries.push(registry);
      return registry;
    },
    push: (to, ...more) => desk.cli(["models", "push", "--to", to, "--json", ...more]),
    close,
  };
}

/** What every refusal keeps to: one message without a stack, nothing on standard output. */
export function refusal({ stdout, stderr }: Said): string {
  if (stdout !== "") throw new Error(`standard output has ${stdout}`);
  if (/^\s+at |fault of our own/m.test(stderr)) throw new Error(stderr);
  return stderr;
}
