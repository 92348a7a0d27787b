import { createServer } from "node:http";
import { afterEach, expect, it } from "@jest/globals";
import { disconnectAfter, type Fault, type Interceptor, intercept } from "../../fakes/faults.ts";
import { listen, stop } from "../../fakes/registry-state.ts";
import { open, testPorts } from "../ports.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A registry that wants a token for its two pages of tags, with a token server of its own. */
async function registry(faults: readonly Fault[]) {
  const broken: Interceptor = intercept(faults);
  const server = createServer(
    broken((request, response) => {
      const { pathname, search } = new URL(request.url ?? "", "http://registry");
      const json = (value: object, headers = {}) =>
        response.writeHead(200, headers).end(JSON.stringify(value));
      if (pathname === "/token") return json({ token: "a-token-of-some-length" });
      if (request.headers.authorization === undefined) {
        const challenge = `Bearer realm="http://${request.headers.host}/token",service="fake"`;
        return response.writeHead(401, { "www-authenticate": challenge }).end();
      }
      const link = { link: `<${pathname}?last=b>; rel="next"` };
      return search === "" ? json({ tags: ["a", "b"] }, link) : json({ tags: ["c"] });
    }),
  );
  const host = await listen(server);
  closing.push(() => stop(server));
  const ports = testPorts();
  return { store: open(`${host}/nsn/director`, {}, ports), ports, met: broken.met };
}

it.each<[string, Fault]>([
  ["a token", { path: "/token", nth: 1, does: disconnectAfter(5) }],
  ["the first page of tags", { path: /list$/, nth: 2, does: disconnectAfter(5) }],
  ["a later page of tags", { path: "last=b", nth: 1, does: disconnectAfter(5) }],
])("%s that breaks off in the middle is asked for again", async (_, fault) => {
  const { store, ports, met } = await registry([fault]);
  expect(await store.tags()).toEqual(["a", "b", "c"]);
  expect(met).toEqual([fault]);
  expect(ports.lines).toContain("Retry 2/5 in 2s...");
});

it("an answer that always breaks off is given up after five attempts", async () => {
  const { store, met } = await registry([{ path: "/token", does: disconnectAfter(5) }]);
  await expect(store.tags()).rejects.toThrow(/token: the connection broke\. Given up after 5/);
  expect(met).toHaveLength(5);
});
