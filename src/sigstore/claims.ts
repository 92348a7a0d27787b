interface Extension {
  readonly oid?: { readonly id: readonly number[] } | undefined;
  readonly value: Uint8Array;
}

/** Fulcio's arc, and what the last number below it says (Fulcio docs/oid-info.md). Those below 8 repeat these in an older form. */
const arc = "1.3.6.1.4.1.57264.1.";
const names: Readonly<Record<string, string>> = {
  8: "issuer",
  9: "buildSignerURI",
  10: "buildSignerDigest",
  11: "runnerEnvironment",
  12: "sourceRepositoryURI",
  13: "sourceRepositoryDigest",
  14: "sourceRepositoryRef",
  15: "sourceRepositoryIdentifier",
  16: "sourceRepositoryOwnerURI",
  17: "sourceRepositoryOwnerIdentifier",
  18: "buildConfigURI",
  19: "buildConfigDigest",
  20: "buildTrigger",
  21: "runInvocationURI",
  22: "sourceRepositoryVisibilityAtSigning",
};

/** What Fulcio wrote into a certificate about the workflow, by its names for it. Pure. */
export function claimsOf(extensions: readonly Extension[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    extensions.flatMap(({ oid, value }) => {
      const id = oid?.id.join(".") ?? "";
      const name = id.startsWith(arc) ? names[id.slice(arc.length)] : undefined;
      const text = name === undefined ? undefined : utf8String(value);
      return name === undefined || text === undefined || text === "" ? [] : [[name, text]];
    }),
  );
}

/** A DER UTF8String (X.690, 8.23): tag 12, its length, its bytes. */
function utf8String(der: Uint8Array): string | undefined {
  const [tag, first = 0] = der;
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (tag !== 12 || more > 2) return undefined;
  const length =
    more === 0 ? first : der.subarray(2, 2 + more).reduce((sum, one) => sum * 256 + one, 0);
  const bytes = der.subarray(2 + more);
  return bytes.length === length ? new TextDecoder().decode(bytes) : undefined;
}
