import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { z } from "zod";
import { RemoteError } from "../errors.ts";
import { exchange, type SigningPorts, unwanted } from "./exchange.ts";
import type { IdentityToken } from "./token.ts";

/** A key that lives as long as the run, and Fulcio's certificate of whose it is, good for ten minutes. */
export interface Certified {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
}

/** With the receipt of the certificates' log in it: a bundle has no other place for that. */
const answered = z.looseObject({
  signedCertificateEmbeddedSct: z.looseObject({
    chain: z.looseObject({ certificates: z.array(z.string()).min(1) }),
  }),
});

/** Has a new key certified for the token's bearer (Fulcio's API v2, `signingCert`). The token goes there and nowhere else. */
export async function certify(
  token: IdentityToken,
  fulcio: URL,
  ports: SigningPorts,
): Promise<Certified> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const url = new URL("/api/v2/signingCert", fulcio);
  const proof = sign("sha256", Buffer.from(token.subject), privateKey);
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token.value },
    publicKeyRequest: {
      publicKey: {
        algorithm: "ECDSA",
        content: publicKey.export({ format: "pem", type: "spki" }).toString(),
      },
      proofOfPossession: proof.toString("base64"),
    },
  });
  const headers = { "content-type": "application/json" };
  const answer = await exchange({ method: "POST", url, headers, body }, ports);
  if (answer.status !== 200 && answer.status !== 201)
    throw unwanted("Fulcio", url, answer, "Without a certificate nothing is signed.");
  const { data } = answered.safeParse(answer.json);
  const [pem] = data?.signedCertificateEmbeddedSct.chain.certificates ?? [];
  try {
    return { privateKey, certificate: new X509Certificate(pem ?? "") };
  } catch (cause) {
    throw new RemoteError(`Fulcio at ${url.origin} answered without a certificate.`, { cause });
  }
}
