import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { closeServers, get, proxyTo, serve, tlsServer } from "./servers.ts";

// Real programs on a machine that may be busy with other tests.
jest.setTimeout(60_000);

afterEach(closeServers);

describe("The network's settings", () => {
  it("lead requests through the proxy, but not those to loopback or to exceptions", async () => {
    const own = await serve((_, response) => response.end("direct"));
    const proxy = await proxyTo(own);
    const fetch = httpFetch({
      httpProxy: { name: "http_proxy", value: proxy.url },
      noProxy: { name: "no_proxy", value: "exempt.invalid" },
    });
    await (await fetch({ method: "GET", url: new URL("http://registry.example/v2/") })).text();
    expect(proxy.wanted).toEqual(["GET http://registry.example/v2/"]);
    expect(await (await fetch(get(own))).text()).toBe("direct");
    await expect(
      fetch({ method: "GET", url: new URL("http://exempt.invalid/") }),
    ).rejects.toThrow();
    expect(proxy.wanted).toHaveLength(1);
  });

  it("lead HTTPS through a tunnel, checked against the given certificates", async () => {
    const { port, trusting } = await tlsServer();
    const proxy = await proxyTo(port);
    const url = new URL("https://registry.example/v2/");
    const fetch = httpFetch({
      httpsProxy: { name: "https_proxy", value: proxy.url },
      ...trusting,
    });
    expect(await (await fetch({ method: "GET", url })).text()).toBe("over TLS");
    expect(proxy.wanted).toEqual(["CONNECT registry.example:443"]);
  });

  it("make a certificate of one's own trusted, and only then", async () => {
    const { port, trusting } = await tlsServer();
    const url = new URL(`https://localhost:${port}/`);
    expect(await (await httpFetch(trusting)({ method: "GET", url })).text()).toBe("over TLS");
    await expect(httpFetch()({ method: "GET", url })).rejects.toThrow(RemoteError);
  });

  it("may name a proxy without its scheme, as curl reads it", async () => {
    const proxy = await proxyTo(1);
    const httpProxy = { name: "http_proxy", value: proxy.url.replace("http://", "") };
    const url = new URL("http://registry.example/v2/");
    await (await httpFetch({ httpProxy })({ method: "GET", url })).text();
    expect(proxy.wanted).toEqual(["GET http://registry.example/v2/"]);
  });

  it.each([
    ["no address", "me:secret@pro xy:3128", '"***@pro xy:3128" is not the address of a proxy.'],
    [
      "another kind of proxy",
      "socks5://h:1080",
      '"socks5://h:1080" is not the address of a proxy.',
    ],
    ["a port too high", "proxy:99999", '"proxy:99999" is not the address of a proxy.'],
  ])(
    "that name %s for a proxy are refused at the first request, by the variable's name",
    async (_, value, said) => {
      const fetch = httpFetch({ httpsProxy: { name: "https_proxy", value } });
      await expect(fetch(get(1))).rejects.toMatchObject({
        exitCode: 2,
        message: `https_proxy: ${said}`,
      });
    },
  );

  it.each([
    ["a file that is not there", "/nonexistent", "/nonexistent cannot be read (ENOENT)."],
    [
      "a file of something else",
      import.meta.filename,
      `${import.meta.filename} holds no certificate.`,
    ],
  ])(
    "that name %s for certificates are refused, by the variable's name",
    async (_, value, said) => {
      const fetch = httpFetch({ extraCertificates: { name: "SSL_CERT_FILE", value } });
      await expect(fetch(get(1))).rejects.toMatchObject({
        exitCode: 2,
        message: `SSL_CERT_FILE: ${said}`,
      });
    },
  );
});
