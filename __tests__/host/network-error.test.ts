import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { ending, RemoteError } from "../../src/errors.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { networkError } from "../../src/host/network-error.ts";
import { isPassing } from "../../src/retry/passing.ts";
import { closeServers, get, serve, tlsServer } from "./servers.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

afterEach(closeServers);

/** What a person is shown of a request that fails, and whether it is worth another try. */
async function failing(work: Promise<unknown>) {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  return { ...ending(error), passing: isPassing(error) };
}

const https = (port: number, host = "127.0.0.1") =>
  ({ method: "GET", url: new URL(`https://${host}:${port}/v2/`) }) as const;

describe("A request over TLS that fails for good", () => {
  it("says that the other side speaks plain HTTP", async () => {
    const port = await serve((_, response) => response.end());
    const { text, exitCode, passing } = await failing(httpFetch()(https(port)));
    expect(text).toContain(
      `GET https://127.0.0.1:${port}/v2/: the other side speaks no TLS there.`,
    );
    expect(text).toContain("For a registry without TLS give --plain-http.");
    expect([exitCode, passing]).toEqual([3, false]);
  });

  it("says whose certificate it is, where that is another host's", async () => {
    const { port, trusting } = await tlsServer();
    const { text, exitCode, passing } = await failing(httpFetch(trusting)(https(port)));
    expect(text).toMatch(/the certificate there is another host's\.\n.*IP: 127\.0\.0\.1 is not/);
    expect([exitCode, passing]).toEqual([3, false]);
  });

  it("says how a certificate that nobody knows is made known", async () => {
    const { port } = await tlsServer();
    const { text, exitCode, passing } = await failing(httpFetch()(https(port, "localhost")));
    expect(text).toMatch(/self-signed certificate\.\n.*NODE_EXTRA_CA_CERTS=FILE/);
    expect([exitCode, passing]).toEqual([3, false]);
  });

  it("says that the versions of TLS do not meet", async () => {
    const old = {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    } as const;
    const { port, trusting } = await tlsServer(old);
    const { text, exitCode, passing } = await failing(
      httpFetch(trusting)(https(port, "localhost")),
    );
    expect(text).toContain("there is no version of TLS that both sides speak.");
    expect([exitCode, passing]).toEqual([3, false]);
  });
});

it("a failure that nobody foresaw is the network's all the same, and says what there is to say", () => {
  const code = (name: string, message = "") => Object.assign(new Error(message), { code: name });
  const said = (cause: unknown) => networkError(cause, get(80, "/x?secret=1")).message;
  expect(said(code("EAI_AGAIN"))).toMatch(/x: the host's name could not be looked up just now\.$/);
  expect(said(code("ERR_NEVER_HEARD", "It broke."))).toMatch(/x: It broke\.$/);
  expect(said(code("EHOSTUNREACH"))).toMatch(/x: EHOSTUNREACH\.$/);
  expect(said("text")).toMatch(/x: text\.$/);
  expect(networkError(new TypeError("y"), get(80))).toBeInstanceOf(RemoteError);
});

it("an answer that comes early does not hide that the body broke", async () => {
  const port = await serve((_, response) => response.writeHead(413).write("too large"));
  let answered = () => {};
  const early = new Promise<void>((resolve) => {
    answered = resolve;
  });
  async function* body() {
    yield Buffer.alloc(10);
    await early;
    throw new TypeError("the source is broken");
  }
  const response = await httpFetch()({ ...get(port), method: "PUT", body: body() });
  const text = response.text();
  answered();
  await expect(text).rejects.toThrow("the source is broken");
});
