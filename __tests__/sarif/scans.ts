import { createHash } from "node:crypto";
import { expect } from "@jest/globals";
import type { Digest } from "../../src/images/digest.ts";
import type { Finding } from "../../src/results/finding.ts";
import type { ScanResult } from "../../src/results/stages.ts";
import type { Subject } from "../../src/sarif/document.ts";
import { fitted } from "../../src/sarif/fit.ts";
import { githubErrors, type Sarif, schemaErrors } from "../fakes/sarif-checks.ts";

const digestOf = (text: string): Digest =>
  `sha256:${createHash("sha256").update(text).digest("hex")}`;

export const finding = (more: Partial<Finding> = {}): Finding => ({
  kind: "vulnerability",
  id: "CVE-2024-0001",
  package: "openssl",
  severity: "HIGH",
  installed: "3.0.1-1",
  fixed: "3.0.2-1",
  title: "A buffer is read beyond its end",
  references: ["https://avd.aquasec.com/nvd/cve-2024-0001"],
  score: 7.5,
  layer: { createdBy: "RUN /bin/sh -c apt-get install openssl # buildkit" },
  ...more,
});

/** A scan with the findings of each platform; undefined: it could not be read. */
export const scan = (
  platforms: Readonly<Record<string, readonly Finding[] | undefined>>,
  build = "1",
): ScanResult => ({
  verdict: "passed",
  platforms: Object.entries(platforms).map(([platform, findings]) => ({
    platform,
    digest: digestOf(`${platform} ${build}`),
    packages: 200,
    ...(findings === undefined
      ? {}
      : { os: "debian 12.5", findings: [...findings], blindSpots: [] }),
  })),
  scanner: { version: "0.74.0", path: "/opt/trivy" },
  database: { updatedAt: "2026-11-24T00:00:00Z", source: "mirror.gcr.io/aquasec/trivy-db:2" },
});

export const subject: Subject = {
  image: "ghcr.io/nsn/director",
  dockerfile: {
    path: "Dockerfile.director",
    text: "# The image.\nFROM debian:12 AS runtime\nRUN apt-get install openssl\nCOPY app /app\n",
    target: "runtime",
  },
  source: { url: "https://github.com/nsn/director", revision: "a".repeat(40) },
};

/** As it travels: JSON, and valid by the schema and by GitHub's own rules. */
export function documentOf(result: ScanResult, about: Subject = subject): Sarif {
  const document = JSON.parse(fitted(result, about).text) as Sarif;
  expect(schemaErrors(document)).toEqual([]);
  expect(githubErrors(document)).toEqual([]);
  return document;
}

export const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
