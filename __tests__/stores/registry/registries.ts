import { afterEach, jest } from "@jest/globals";
import type { Fault } from "../../fakes/faults.ts";
import { startRegistry } from "../../fakes/registry.ts";
import type { RegistryBehaviour } from "../../fakes/registry-state.ts";

/** Registries that close with the test; `closing` takes whatever else must. */
export function registries() {
  // Real programs on a machine that may be busy with other tests.
  jest.setTimeout(60_000);
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  async function registry(behaviour: RegistryBehaviour = {}, faults: readonly Fault[] = []) {
    const running = await startRegistry(behaviour, faults);
    closing.push(running.close);
    return running;
  }
  return { closing, registry };
}

/** An answer with no server behind it. */
export function reply(status: number, headers: Record<string, string>) {
  return {
    status,
    headers,
    body: (async function* () {})(),
    text: async () => "",
    discard: async () => undefined,
  };
}
