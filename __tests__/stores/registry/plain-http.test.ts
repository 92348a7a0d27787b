import { describe, expect, it } from "@jest/globals";
import type { Fetch } from "../../../src/ports/fetch.ts";
import { open, testPorts } from "../ports.ts";
import { reply } from "./registries.ts";

describe("Plain HTTP", () => {
  it.each<[string, boolean, string]>([
    ["127.0.0.1:5000/a", false, "http://127.0.0.1:5000"],
    ["127.9.9.9:5000/a", false, "http://127.9.9.9:5000"],
    ["localhost:5000/a", false, "http://localhost:5000"],
    ["[::1]:5000/a", false, "http://[::1]:5000"],
    ["10.0.0.1:5000/a", false, "https://10.0.0.1:5000"],
    ["127.example.com/a", false, "https://127.example.com"],
    ["localhost.example.com/a", false, "https://localhost.example.com"],
    ["registry.example:5000/a", true, "http://registry.example:5000"],
    ["docker.io/nsn/a", true, "https://registry-1.docker.io"],
  ])("for %s (asked for: %s): %s", async (place, plainHttp, origin) => {
    const seen: string[] = [];
    const offline: Fetch = async ({ url }) => {
      seen.push(url.origin);
      return reply(404, {});
    };
    await open(place, { plainHttp }, { ...testPorts(), fetch: offline }).tags();
    expect(seen).toEqual([origin]);
  });
});
