import { describe, expect, it } from "@jest/globals";
import { IntegrityError, RemoteError } from "../../src/errors.ts";
import { isPassing, PassingError, retryAfter, waitBefore } from "../../src/retry/passing.ts";

const network = (code: string) =>
  new RemoteError("GET http://x: it broke.", { cause: Object.assign(new Error(code), { code }) });

describe("A failure is worth another try", () => {
  it.each<[string, unknown, boolean]>([
    ["a connection that broke", network("ECONNRESET"), true],
    ["nobody answers (a registry that restarts)", network("ECONNREFUSED"), true],
    ["silence", network("UND_ERR_HEADERS_TIMEOUT"), true],
    ["a name server that is busy", network("EAI_AGAIN"), true],
    ["a host that does not exist", network("ENOTFOUND"), false],
    ["a certificate that is wrong", network("CERT_HAS_EXPIRED"), false],
    ["a certificate of an unknown authority", network("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), false],
    ["a certificate of another host", network("ERR_TLS_CERT_ALTNAME_INVALID"), false],
    ["a port without TLS", network("ERR_SSL_WRONG_VERSION_NUMBER"), false],
    ["a version of TLS that is too old", network("ERR_SSL_UNSUPPORTED_PROTOCOL"), false],
    ["bytes that TLS could not read", network("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), true],
    ["a request that cannot be made", network("UND_ERR_INVALID_ARG"), false],
    ["a busy registry", new PassingError("busy"), true],
    ["a registry that wants patience", new PassingError("busy", { wait: 60_000 }), true],
    ["a registry that wants a day", new PassingError("busy", { wait: 86_400_000 }), false],
    ["a refusal", new RemoteError("403"), false],
    ["other bytes", new IntegrityError("sha256"), false],
    ["a fault of our own", new TypeError("undefined"), false],
  ])("%s: decided", (_, failure, expected) => expect(isPassing(failure)).toBe(expected));
});

describe("The wait before a try, in milliseconds,", () => {
  it.each<[string, number, number | undefined, number, number]>([
    ["is 2 s before the second, in the middle of its range", 2, undefined, 0.5, 2000],
    ["is a quarter less at the least", 2, undefined, 0, 1500],
    ["is a quarter more at the most", 2, undefined, 1, 2500],
    ["doubles", 3, undefined, 0.5, 4000],
    ["doubles up to the fifth", 5, undefined, 0.5, 16_000],
    ["is what the other side asks for, if that is longer", 2, 30_000, 0.5, 30_000],
    ["is our own, if the other side asks for less", 4, 1000, 0.5, 8000],
  ])("%s", (_, attempt, wait, random, expected) => {
    expect(waitBefore(attempt, new PassingError("busy", { wait }), random)).toBe(expected);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-11-24T10:00:00Z");
  it.each<[string, string | undefined, number | undefined]>([
    ["in seconds", "7", 7000],
    ["as a date", "Tue, 24 Nov 2026 10:00:09 GMT", 9000],
    ["as a date that is past", "Tue, 24 Nov 2026 09:00:00 GMT", 0],
    ["absent", undefined, undefined],
    ["empty", "", undefined],
    ["nonsense", "soon", undefined],
  ])("%s", (_, header, expected) => expect(retryAfter(header, now)).toBe(expected));
});
