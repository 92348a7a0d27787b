import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, expect, it } from "@jest/globals";
import { mediaTypes } from "../../../src/images/descriptor.ts";
import { digestOf } from "../../../src/images/digest.ts";
import { listen, stop } from "../../fakes/registry-state.ts";
import { open } from "../ports.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const subject = digestOf("an image");

/** A registry whose lists have, on every page, `count` entries and a link. */
async function registry(count: number, link: (page: number) => string) {
  let asked = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://registry");
    asked += 1;
    const isTags = pathname.endsWith("/tags/list");
    const entry = { mediaType: mediaTypes.manifest, digest: subject, size: 2 };
    const list = new Array(count).fill(isTags ? "v1" : entry);
    response.writeHead(200, {
      "content-type": isTags ? "application/json" : mediaTypes.index,
      link: `<${pathname}${link(Number(searchParams.get("page") ?? 0))}>; rel="next"`,
    });
    response.end(JSON.stringify(isTags ? { tags: list } : { manifests: list }));
  });
  const host = await listen(server);
  closing.push(() => stop(server));
  return { store: open(`${host}/nsn/director`), asked: () => asked };
}

it("a page that names itself as the next is an error, of tags and of referrers", async () => {
  const { store, asked } = await registry(1, () => "");
  await expect(store.tags()).rejects.toThrow(/names this page as the one after it/);
  await expect(store.referrers(subject)).rejects.toThrow(/names this page as the one after it/);
  expect(asked()).toBe(2);
});

it("a list of pages that go round in a circle is given up", async () => {
  const { store, asked } = await registry(1, (page) => `?page=${(page % 2) + 1}`);
  await expect(store.tags()).rejects.toThrow(/does not end: 1,000 entries on 1000 pages/);
  expect(asked()).toBe(1000);
});

it("more referrers than anybody attaches are not read to their end", async () => {
  const { store, asked } = await registry(4000, (page) => `?page=${page + 1}`);
  await expect(store.referrers(subject)).rejects.toThrow(/12,000 entries on 3 pages/);
  expect(asked()).toBe(3);
});
