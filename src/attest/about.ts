import type { Digest } from "../images/digest.ts";
import type { AcceptResult, ScanResult } from "../results/stages.ts";
import { type Assembly, assemblyPredicate } from "./assembly.ts";
import { predicateTypes } from "./predicates.ts";
import { type Statement, type Subject, statementOf } from "./statement.ts";

/** The final image that everything is said of. */
export interface FinalImage {
  /** As a person writes its repository. */
  readonly name: string;
  /** Of the index. */
  readonly digest: Digest;
  readonly platforms: readonly { readonly platform: string; readonly digest: Digest }[];
}

/** Pure, as all here: what the assembly was made of. */
export function aboutAssembly(image: FinalImage, assembly: Assembly): Statement {
  const all = image.platforms.map(({ platform }) => platform);
  return statementOf(subjects(image, all), predicateTypes.provenance, assemblyPredicate(assembly));
}

/** What BuildKit says of a runtime, as it came, said of the image that was made from it. Undefined where it is no statement. */
export function aboutRuntime(
  image: FinalImage,
  runtime: { readonly platform: string; readonly digest: Digest },
  provenance: string,
): Statement | undefined {
  const said = JSON.parse(provenance) as { predicateType?: unknown; predicate?: unknown };
  const { predicateType, predicate } = said;
  if (typeof predicateType !== "string" || typeof predicate !== "object" || predicate === null)
    return undefined;
  const [first, ...others] = subjects(image, [runtime.platform]);
  const built = { name: `${image.name} runtime ${runtime.platform}`, digest: runtime.digest };
  return statementOf([first, ...others, built], predicateType, predicate);
}

/** A platform's bill of materials, as Trivy and the lock made it. */
export function aboutMaterials(image: FinalImage, platform: string, cycloneDx: string): Statement {
  const predicate = JSON.parse(cycloneDx) as object;
  return statementOf(subjects(image, [platform]), predicateTypes.sbom, predicate);
}

/** What the scan saw of an image that was published before is not said of this one, nor where the scanner lay on the machine. */
export function aboutScan(image: FinalImage, scan: ScanResult): Statement {
  const platforms = scan.platforms.map(({ platform }) => platform);
  const { published: _before, scanner, ...said } = scan;
  const { path: _path, ...named } = scanner ?? {};
  const predicate = scanner === undefined ? said : { ...said, scanner: named };
  return statementOf(subjects(image, platforms), predicateTypes.scan, predicate);
}

/** The node's log may hold anything, and the samples of memory are many: neither is said to everybody, for ever. */
export function aboutAcceptance(image: FinalImage, accept: AcceptResult): Statement {
  const { logs: _logs, vram: _samples, ...said } = accept;
  return statementOf(subjects(image, [accept.platform]), predicateTypes.acceptance, said);
}

/** The index first, then the platforms' manifests that are spoken of. */
function subjects(image: FinalImage, platforms: readonly string[]): [Subject, ...Subject[]] {
  return [
    { name: image.name, digest: image.digest },
    ...image.platforms
      .filter(({ platform }) => platforms.includes(platform))
      .map(({ platform, digest }) => ({ name: `${image.name} ${platform}`, digest })),
  ];
}
