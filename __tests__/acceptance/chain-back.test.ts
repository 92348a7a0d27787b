import { join } from "node:path";
import { expect, it, jest } from "@jest/globals";
import { WebSocket } from "ws";
import { health } from "../../src/acceptance/checks/health.ts";
import { startup } from "../../src/acceptance/checks/startup.ts";
import { openTrial } from "./trial.ts";

jest.setTimeout(30_000);

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.on("open", () => {
      socket.close();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

it("the chain's endpoint is there again after a check that was cut short while it was gone", async () => {
  const { world, close } = await openTrial([
    ...(["python3", join("__tests__", "acceptance", "web.py"), "healthy"] as const),
  ]);
  try {
    await startup.run(world);
    const url = world.chain?.url ?? "";
    const signal = AbortSignal.timeout(1_500);
    const checking = health.run({ ...world, signal });
    await world.clock.sleep(700);
    expect(await answers(url)).toBe(false);
    await expect(checking).rejects.toThrow();
    expect(await answers(url)).toBe(true);
  } finally {
    await close();
  }
});
