import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import { parsePlace, parseReference, placeName } from "../../src/images/reference.ts";
import { registryOrigin } from "../../src/stores/registry/origin.ts";

describe("A registry's host", () => {
  it.each([
    ["a port above the last one", "127.0.0.1:99999/x", "127.0.0.1:99999"],
    ["a name that ends like a broken IPv4 address", "foo.1/x", "foo.1"],
    ["an IPv4 address with a part above 255", "256.0.0.1/x", "256.0.0.1"],
    ["an IPv6 address with too many parts", "[1:2:3:4:5:6:7:8:9]/x", "[1:2:3:4:5:6:7:8:9]"],
  ])("may not be %s", (_, text, host) => {
    for (const read of [parseReference, parsePlace]) {
      expect(() => read(text)).toThrow(UsageError);
      expect(() => read(text)).toThrow(
        `"${text}" is not an image reference: "${host}" is not a registry's host.`,
      );
    }
  });

  it.each([
    ["a name", "ghcr.io/nsn/director", "https://ghcr.io"],
    ["a name with the last port", "registry.example:65535/x", "https://registry.example:65535"],
    ["an address", "192.0.2.7:5000/x", "https://192.0.2.7:5000"],
    ["an IPv6 address", "[2001:db8::7]:5000/x", "https://[2001:db8::7]:5000"],
    ["loopback, which needs no TLS", "localhost:5000/x", "http://localhost:5000"],
  ])("may be %s", (_, text, origin) => {
    const place = parsePlace(text);
    expect(placeName(place)).toBe(text);
    const { registry } = place as Extract<typeof place, { kind: "registry" }>;
    expect(registryOrigin(registry).origin).toBe(origin);
  });
});
