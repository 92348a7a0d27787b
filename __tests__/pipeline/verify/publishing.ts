import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
import { trusted } from "../../../src/pipeline/verify/identity.ts";
import { type VerifiedImage, verifyImage } from "../../../src/pipeline/verify/verify-image.ts";
import { type FakeSigstore, issuer, type JobClaims, startSigstore } from "../../fakes/sigstore.ts";
import { testPorts } from "../../stores/ports.ts";
import { putRuntime, type Yard, yard } from "../images.ts";
import {
  type Attachment,
  attach,
  kinds,
  type Published,
  predicatesOf,
  type StatementName,
} from "./published.ts";

export const identity =
  "https://github.com/nsn/director/.github/workflows/director-image.yml@refs/tags/v*";
export const tagged: JobClaims = { ref: "refs/tags/v1.2.3" };

export interface How {
  readonly identity?: string;
  readonly repository?: string;
  readonly ref?: string;
  /** Milliseconds since 1970. */
  readonly now?: number;
  readonly root?: object;
  readonly weights?: boolean;
  readonly platforms?: readonly string[];
  readonly machine?: string;
}

/** A Sigstore for all tests of a file, and a yard anew for each. */
export function publishing() {
  const here: Yard = yard();
  const claims: { current: JobClaims } = { current: tagged };
  let sigstore: FakeSigstore;
  beforeAll(async () => {
    // The stand-in asks for its claims anew for each token.
    const live = new Proxy({}, { get: (_, name) => Reflect.get(claims.current, name) });
    sigstore = await startSigstore(live);
  });
  afterAll(() => sigstore.close());

  const sign = (image: Published, attachments: readonly Attachment[], who = tagged) => {
    claims.current = who;
    return attach(image, attachments, sigstore);
  };

  return {
    sign,
    root: () => sigstore.root,
    source: () => sigstore.source,

    /** A file in a folder that names the stand-in, as the input sigstore takes it. */
    async instance(folder: string): Promise<string> {
      const { fulcio, rekor, root } = sigstore;
      await writeFile(join(folder, "root.json"), JSON.stringify(root));
      const path = join(folder, "sigstore.json");
      await writeFile(path, JSON.stringify({ fulcio, rekor, trustedRoot: "root.json" }));
      return path;
    },

    /** An image with weights, as assemble makes it; another `version`, another image. A refresh has its month in the history. */
    async assembled(version = "1", month = ""): Promise<Published> {
      const runtime = await putRuntime(here.software, [{ version }], {
        step: `RUN |1 REFRESH=${month} apt-get`,
      });
      const { digest } = await here.assemble([runtime]);
      const index = await here.target.readManifest(digest);
      if (index === undefined) throw new Error("there is no candidate");
      return {
        ...{ store: here.target, lock: here.lock, index },
        runtimes: [{ digest: runtime.digest, diffIds: runtime.diffIds }],
      };
    },

    /** Attaches all that promote does, but for what a test says otherwise. */
    async signed(
      image: Published,
      more: Partial<Record<StatementName, object | undefined>> = {},
      who = tagged,
    ): Promise<Published> {
      const predicates = { ...(await predicatesOf(image)), ...more };
      const wanted = kinds.flatMap((kind) => {
        const predicate = predicates[kind];
        return predicate === undefined ? [] : [{ kind, predicate }];
      });
      await sign(image, wanted, who);
      return image;
    },

    async verified({ index, store }: Published, how: How = {}): Promise<VerifiedImage> {
      const { repository, ref } = how;
      const who = trusted({ identity: how.identity ?? identity, issuer, repository, ref });
      return await verifyImage(
        {
          reference: index.digest,
          ...{ platforms: how.platforms, machine: how.machine },
          trust: { who, root: how.root ?? sigstore.root },
          policy: { now: how.now ?? Date.now(), maxAge: 45 * 86_400_000, allowUntested: false },
          weights: how.weights ?? false,
        },
        { ...testPorts(), store },
      );
    },
  };
}

/** What did not pass, and why. */
export const failures = ({ checks }: VerifiedImage): readonly string[] =>
  checks
    .filter(({ verdict }) => verdict !== "passed")
    .map(({ name, reason }) => `${name}: ${reason}`);
export const everything = ["provenance", "runtime", "weights", "scan", "acceptance", "sbom"];
export const names = (result: VerifiedImage) => failures(result).map((line) => line.split(":")[0]);
