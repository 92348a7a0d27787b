import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { WebSocket } from "ws";
import { type Chain, startChain } from "../../src/acceptance/chain.ts";
import { RemoteError } from "../../src/errors.ts";

jest.setTimeout(20_000);

let chain: Chain | undefined;
afterEach(async () => {
  await chain?.close();
  chain = undefined;
});

const start = async () => {
  chain = await startChain("127.0.0.1", Date.now);
  return chain;
};

/** What it answers; `hung up` where the connection ends without an answer. */
async function ask(url: string, method: string): Promise<unknown> {
  const socket = new WebSocket(url);
  try {
    return await new Promise((resolve) => {
      socket.on("open", () => socket.send(JSON.stringify({ id: 1, method })));
      socket.on("message", (data) => resolve(JSON.parse(String(data)).result));
      for (const end of ["error", "close"]) socket.on(end, () => resolve("hung up"));
    });
  } finally {
    socket.terminate();
  }
}

describe("the chain's endpoint", () => {
  it("answers, hangs up while it is stopped, and answers again at the same place", async () => {
    const { url, stop, start: again } = await start();
    expect(await ask(url, "system_chain")).toBe("acceptance");
    stop();
    expect(await ask(url, "system_chain")).toBe("hung up");
    again();
    expect(await ask(url, "system_chain")).toBe("acceptance");
  });

  it("ends the conversations that it has when it is stopped", async () => {
    const { url, stop } = await start();
    const socket = new WebSocket(url);
    await once(socket, "open");
    const closed = once(socket, "close");
    stop();
    await closed;
  });

  it("keeps its port while it is stopped", async () => {
    const { url, stop } = await start();
    stop();
    const other = createServer().listen(Number(new URL(url).port), "127.0.0.1");
    const [error] = await once(other, "error");
    expect(error).toMatchObject({ code: "EADDRINUSE" });
  });

  it("closes although somebody is connected and silent", async () => {
    const { url, close } = await start();
    const silent = connect(Number(new URL(url).port), "127.0.0.1");
    await once(silent, "connect");
    await setTimeout(50);
    const closed = close().then(() => "closed");
    expect(await Promise.race([closed, setTimeout(2_000, "waits")])).toBe("closed");
    silent.destroy();
  });

  it("says what to do where it cannot be opened", async () => {
    const opening = startChain("192.0.2.1", Date.now);
    await expect(opening).rejects.toThrow(RemoteError);
    await expect(opening).rejects.toMatchObject({
      message: "No chain endpoint can be opened at 192.0.2.1.",
      todo: expect.stringContaining("chain-url"),
    });
  });
});
