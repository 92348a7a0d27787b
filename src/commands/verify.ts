import { arch } from "node:process";
import { platformsOf } from "../config/read.ts";
import { seconds } from "../config/values.ts";
import { UsageError } from "../errors.ts";
import { parseReference } from "../images/reference.ts";
import { trusted } from "../pipeline/verify/identity.ts";
import { verifyImage } from "../pipeline/verify/verify-image.ts";
import type { Files } from "../ports/files.ts";
import { verifyLines } from "../report/verify-lines.ts";
import { trustedRoot } from "../sigstore/trusted-root.ts";
import type { Command } from "./command.ts";
import { loginInputs, openWith } from "./login.ts";

export const verifyImageCommand: Command = {
  name: "verify",
  summary: "check the signed statements about a published image, and what they say",
  example:
    "director-image verify ghcr.io/nsn/director:1.2.3 --identity 'https://github.com/nsn/director-image-action/.github/workflows/director-image.yml@refs/tags/v1*' --repository nsn/nsn",
  arguments: "<ref>",
  inputs: loginInputs,
  flags: [
    {
      flag: "--identity <workflow>",
      description:
        "whom you trust: the workflow that signs, with its branch or tag (needed; * after @refs/heads/ or @refs/tags/)",
    },
    {
      flag: "--repository <owner/repo>",
      description: "whose run it must be (default: the repository of --identity)",
    },
    {
      flag: "--ref <ref>",
      description:
        "what the run must be of: refs/heads/BRANCH or refs/tags/TAG, with * (default: any)",
    },
    {
      flag: "--issuer <address>",
      description: "who vouches for the identity",
      default: "https://token.actions.githubusercontent.com",
    },
    { flag: "--max-age <time>", description: "oldest scan that counts", default: "45d" },
    {
      flag: "--platform <platform...>",
      description: "this platform alone (default: this machine's, where the image has it)",
    },
    {
      flag: "--allow-untested",
      description: "let an image pass that was published without a scan or acceptance, and says so",
    },
    {
      flag: "--weights",
      description: "also read every byte of the weights in the image (gigabytes)",
    },
    {
      flag: "--trusted-root <file>",
      description: "another Sigstore than the public one (trusted_root.json)",
    },
  ],
  run: async (given, { ports, environment }) => {
    const [text = ""] = given.arguments;
    const who = trusted({
      identity: given.value("identity"),
      issuer: given.value("issuer") ?? "",
      repository: given.value("repository"),
      ref: given.value("ref"),
    });
    const maxAge = seconds("--max-age", given.value("max-age") ?? "") * 1000;
    const wanted = given.values("platform");
    const platforms =
      wanted.length === 0 ? undefined : platformsOf("--platform", wanted.join("\n"));
    const reference = parseReference(text);
    const store = openWith(reference, given, ports, environment)(reference);
    const root = await rootAt(given.value("trusted-root"), ports.files);
    const result = await verifyImage(
      {
        reference: reference.digest ?? reference.tag ?? "latest",
        platforms,
        machine: `linux/${arch === "x64" ? "amd64" : arch}`,
        trust: { who, root },
        policy: { now: ports.clock.now(), maxAge, allowUntested: given.isSet("allow-untested") },
        weights: given.isSet("weights"),
      },
      { ...ports, store },
    );
    return {
      json: result,
      text: verifyLines(result),
      exitCode: result.verdict === "passed" ? 0 : 1,
    };
  },
};

async function rootAt(path: string | undefined, files: Pick<Files, "readFile">): Promise<unknown> {
  if (path === undefined) return trustedRoot;
  const where = `--trusted-root: ${path}`;
  const read = await files.readFile(path, "utf8").catch((cause: unknown) => {
    throw new UsageError(`${where} cannot be read.`, { cause });
  });
  try {
    const root: unknown = JSON.parse(read);
    if (typeof root === "object" && root !== null && "certificateAuthorities" in root) return root;
  } catch (cause) {
    throw new UsageError(`${where} is not JSON.`, { cause });
  }
  throw new UsageError(`${where} names no certificate authorities.`, {
    todo: "Wanted: Sigstore's trusted_root.json, as cosign and gh take it.",
  });
}
