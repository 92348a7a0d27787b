import { afterEach, describe, expect, it } from "@jest/globals";
import { RemoteError } from "../../src/errors.ts";
import { keylessSigner } from "../../src/sigstore/sign.ts";
import { signedStatement, signerOfFile } from "../../src/sigstore/verify.ts";
import { answer } from "../fakes/faults.ts";
import { type FakeSigstore, issuer, startSigstore } from "../fakes/sigstore.ts";
import { testPorts } from "../stores/ports.ts";

const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "director", digest: { sha256: "a".repeat(64) } }],
  predicateType: "https://example.org/p",
  predicate: { note: "größer" },
};
const workflow = "nsn/director/.github/workflows/director-image.yml@refs/heads/main";

let running: FakeSigstore | undefined;
afterEach(() => running?.close());

async function start(...given: Parameters<typeof startSigstore>): Promise<FakeSigstore> {
  running = await startSigstore(...given);
  return running;
}

const texts = (requests: readonly object[]) => JSON.stringify(requests);

describe("signing keylessly", () => {
  it("gives a bundle that proves the statement and the workflow that made it", async () => {
    const sigstore = await start();
    const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
    const proved = signedStatement(await signer.sign(statement), sigstore.root);
    expect(proved.statement).toEqual(statement);
    expect(proved.signer).toMatchObject({ subject: `https://github.com/${workflow}`, issuer });
    expect(proved.signer.extensions).toMatchObject({
      issuer,
      buildSignerURI: `https://github.com/${workflow}`,
      sourceRepositoryURI: "https://github.com/nsn/director",
      sourceRepositoryDigest: "1".repeat(40),
      sourceRepositoryRef: "refs/heads/main",
      runnerEnvironment: "github-hosted",
      runInvocationURI: "https://github.com/nsn/director/actions/runs/42/attempts/1",
      sourceRepositoryVisibilityAtSigning: "public",
    });
    expect(Math.abs((proved.signer.time?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("asks for one certificate for all statements, and for another when that grows old", async () => {
    const sigstore = await start();
    const ports = testPorts();
    let now = Date.now();
    const clock = { ...ports.clock, now: () => now };
    const signer = await keylessSigner(sigstore.source, sigstore, { ...ports, clock });
    await signer.sign(statement);
    await signer.sign(statement);
    expect(sigstore.requests.fulcio).toHaveLength(1);
    now += 301_000;
    await signer.sign(statement);
    expect(sigstore.requests.fulcio).toHaveLength(2);
    expect(sigstore.requests.tokens).toHaveLength(2);
    expect(sigstore.requests.rekor).toHaveLength(3);
  });

  it("shows the job's bearer to the token service only, the token to Fulcio only, and neither to the log", async () => {
    const sigstore = await start();
    const ports = testPorts();
    const signer = await keylessSigner(sigstore.source, sigstore, ports);
    const bundle = await signer.sign(statement);
    const [token = "none"] = sigstore.tokens;
    const { tokens, fulcio, rekor } = sigstore.requests;
    expect(texts(fulcio)).toContain(token);
    for (const others of [tokens, rekor]) expect(texts(others)).not.toContain(token);
    for (const others of [fulcio, rekor])
      expect(texts(others)).not.toContain(sigstore.source.token);
    expect(ports.masked).toEqual([sigstore.source.token, token]);
    expect(`${ports.lines.join()}${bundle}`).not.toContain(token);
  });

  it("follows no redirect with a token", async () => {
    const elsewhere = await startSigstore();
    const location = `${elsewhere.fulcio.href}api/v2/signingCert`;
    const does = answer(307, { headers: { location } });
    const sigstore = await start({}, { fulcio: [{ does }] });
    const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
    await expect(signer.sign(statement)).rejects.toThrow(/Fulcio at .* answered 307/);
    expect(elsewhere.requests.fulcio).toEqual([]);
    await elsewhere.close();
  });

  it("says what to do where the runner gives no token", async () => {
    const sigstore = await start();
    const source = { ...sigstore.source, token: "another" };
    await expect(keylessSigner(source, sigstore, testPorts())).rejects.toMatchObject({
      message: expect.stringMatching(/token service at .*\/token answered 401 .*wrong bearer/),
      todo: "Give the job the permission `id-token: write`, or say `sign: off`.",
    });
  });

  it("asks again while Fulcio and Rekor are busy", async () => {
    const busy = [{ nth: 1, does: answer(503) }];
    const sigstore = await start({}, { fulcio: busy, rekor: busy });
    const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
    await expect(signer.sign(statement)).resolves.toContain("dsseEnvelope");
  });

  it.each([
    ["a token that has run out", { lives: -10 }, {}, /Fulcio at .*identity token/],
    ["a Fulcio that is gone for good", {}, { fulcio: [{ does: answer(502) }] }, /Given up after 5/],
    ["a Rekor that refuses", {}, { rekor: [{ does: answer(400) }] }, /Rekor at .* answered 400/],
    ["a Rekor that says nothing", {}, { rekor: [{ does: answer(201) }] }, /without an entry/],
  ])("signs nothing by %s", async (_, claims, faults, message) => {
    const sigstore = await start(claims, faults);
    const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
    const signing = signer.sign(statement);
    await expect(signing).rejects.toThrow(message);
    await expect(signing).rejects.toThrow(RemoteError);
  });

  it("hands out no bundle that the trusted root does not prove", async () => {
    const sigstore = await start();
    const other = await startSigstore();
    const instance = { ...sigstore, root: other.root };
    const signer = await keylessSigner(sigstore.source, instance, testPorts());
    await expect(signer.sign(statement)).rejects.toThrow(/by anybody whom Sigstore knows/);
    await other.close();
  });
});

describe("a signed statement", () => {
  const signed = async () => {
    const sigstore = await start();
    const signer = await keylessSigner(sigstore.source, sigstore, testPorts());
    return { root: sigstore.root, bundle: await signer.sign(statement) };
  };
  type Bundle = {
    dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
    verificationMaterial: { tlogEntries: { integratedTime: string }[] };
  };

  it.each<[string, (bundle: Bundle) => void]>([
    [
      "another statement",
      ({ dsseEnvelope }) => {
        const other = { ...statement, predicate: { note: "smaller" } };
        dsseEnvelope.payload = Buffer.from(JSON.stringify(other)).toString("base64");
      },
    ],
    [
      "another type of payload",
      ({ dsseEnvelope }) => {
        dsseEnvelope.payloadType = "text/plain";
      },
    ],
    [
      "a second signature",
      ({ dsseEnvelope }) => {
        dsseEnvelope.signatures.push({ sig: dsseEnvelope.signatures[0]?.sig ?? "" });
      },
    ],
    [
      "no entry in the log",
      ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries = [];
      },
    ],
    [
      "another time in the log",
      ({ verificationMaterial: { tlogEntries } }) => {
        if (tlogEntries[0] !== undefined) tlogEntries[0].integratedTime = "1700000000";
      },
    ],
  ])("is none with %s", async (_, change) => {
    const { root, bundle } = await signed();
    const changed = JSON.parse(bundle) as Bundle;
    change(changed);
    expect(() => signedStatement(JSON.stringify(changed), root)).toThrow(
      expect.objectContaining({ name: "IntegrityError" }),
    );
  });

  it("proves nothing about a file", async () => {
    const { root, bundle } = await signed();
    expect(() => signerOfFile(new Uint8Array(3), bundle, root)).toThrow(
      "The bundle signs a statement, not the bytes of a file.",
    );
  });
});
