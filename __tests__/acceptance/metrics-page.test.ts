import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { awaitSample, sampleIn } from "../../src/acceptance/metrics-page.ts";
import type { NodeState, RunningNode } from "../../src/acceptance/node.ts";
import { clock } from "../../src/host/clock.ts";
import { httpFetch } from "../../src/host/fetch.ts";

describe("one sample of a page", () => {
  it.each<[string, string, string, Record<string, string>, number | undefined]>([
    ["is read by its name", "a 1\nab 2\n", "ab", {}, 2],
    ["is read by its labels", 'a{t="x"} 1\na{t="y",u="z"} 2\n', "a", { t: "y" }, 2],
    ["is read from a page that is broken elsewhere", "what?\na 3 # {\n", "a", {}, 3],
    ["is read before a time", "a 4 1700000000\n", "a", {}, 4],
    ["is read in any notation", "a 1.5e3\n", "a", {}, 1500],
    ["is none in a comment", "# a 1\n", "a", {}, undefined],
    ["is none where it is no number", "a NaN\n", "a", {}, undefined],
    ["is none with other labels", 'a{t="x"} 1\n', "a", { t: "y" }, undefined],
  ])("%s", (_, text, name, labels, value) => expect(sampleIn(text, name, labels)).toBe(value));
});

describe("waiting for a sample", () => {
  const open: Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close().closeAllConnections();
  });
  const world = { fetch: httpFetch(), clock, signal: new AbortController().signal };
  const what = { name: "a", least: 2 };

  async function node(
    answer: (asked: number) => [number, string],
    state: Partial<NodeState> = {},
  ): Promise<RunningNode> {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      const [status, text] = answer(asked);
      response.writeHead(status).end(text);
    });
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      ...{ name: "second node", http: new URL(`http://127.0.0.1:${port}`) },
      state: async () => ({ running: true, outOfMemory: false, ...state }),
      logs: async () => [{ at: 0, text: "Bye" }],
    } as unknown as RunningNode;
  }

  it("ends when it has come to what is wanted", async () => {
    const rising = await node((asked) => [200, `a ${asked}\n`]);
    expect(await awaitSample(rising, what, 10, world)).toEqual({ met: true, value: 2 });
  });

  it("tells the last value when the time is over", async () => {
    const still = await node(() => [200, "a 1\n"]);
    const why = "a of the second node is 1";
    expect(await awaitSample(still, what, 0.3, world)).toEqual({ met: false, why, late: true });
  });

  it("gives up after five seconds without a page, and says what there is instead", async () => {
    const begun = Date.now();
    const broken = await node(() => [500, ""]);
    expect(await awaitSample(broken, what, 60, world)).toEqual({
      ...{ met: false, late: false },
      why: "a of the second node cannot be read: /metrics answers 500",
    });
    expect(Date.now() - begun).toBeGreaterThan(4_900);
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it("ends at once with a node that has ended", async () => {
    const begun = Date.now();
    const dead = await node(() => [503, ""], { running: false, exitCode: 9 });
    const alive = await node(() => [200, "a 1\n"]);
    const why = "the second node ended by itself with exit code 9; its last words: Bye";
    for (const [one, needs] of [
      [dead, []],
      [alive, [dead]],
    ] as const)
      expect(await awaitSample(one, { ...what, needs }, 60, world)).toMatchObject({ why });
    expect(Date.now() - begun).toBeLessThan(2_000);
  });
});
