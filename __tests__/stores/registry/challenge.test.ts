import { describe, expect, it } from "@jest/globals";
import { type Challenge, parseChallenges } from "../../../src/stores/registry/challenge.ts";

const bearer = (parameters: Record<string, string>): Challenge => ({
  scheme: "bearer",
  parameters,
});

describe("A WWW-Authenticate header", () => {
  it.each<[string, string, readonly Challenge[]]>([
    [
      "of Docker Hub",
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/a:pull"',
      [
        bearer({
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/a:pull",
        }),
      ],
    ],
    [
      "with spaces, capitals and a comma in a value",
      'BEARER Realm = "https://x/token" , scope="repository:a:pull,push"',
      [bearer({ realm: "https://x/token", scope: "repository:a:pull,push" })],
    ],
    ["without quotes", "Bearer realm=https, service=x", [bearer({ realm: "https", service: "x" })]],
    [
      "with an escaped quote",
      'Basic realm="a \\"b\\" c"',
      [{ scheme: "basic", parameters: { realm: 'a "b" c' } }],
    ],
    [
      "with two challenges",
      'Basic realm="a", Bearer realm="https://x/token",service="s"',
      [
        { scheme: "basic", parameters: { realm: "a" } },
        bearer({ realm: "https://x/token", service: "s" }),
      ],
    ],
    [
      "with a scheme alone and a token",
      'Negotiate, Digest YWJj==, Basic realm="a"',
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "digest", parameters: {} },
        { scheme: "basic", parameters: { realm: "a" } },
      ],
    ],
    ["that is empty", "", []],
    ["that is nonsense", '"""', []],
    ["that ends in the middle", 'Bearer realm="https://x', [bearer({})]],
  ])("%s", (_, header, expected) => expect(parseChallenges(header)).toEqual(expected));
});
