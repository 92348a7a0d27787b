/** How trivy-db names the buckets of an operating system: by its major version, by two numbers, or by none. */
const named: Readonly<Record<string, { readonly name: string; readonly numbers: 0 | 1 | 2 }>> = {
  alma: { name: "alma", numbers: 1 },
  alpine: { name: "alpine", numbers: 2 },
  amazon: { name: "amazon linux", numbers: 1 },
  azurelinux: { name: "Azure Linux", numbers: 2 },
  "cbl-mariner": { name: "CBL-Mariner", numbers: 2 },
  centos: { name: "Red Hat", numbers: 0 },
  chainguard: { name: "chainguard", numbers: 0 },
  debian: { name: "debian", numbers: 1 },
  echo: { name: "echo", numbers: 0 },
  minimos: { name: "minimos", numbers: 0 },
  "opensuse-leap": { name: "openSUSE Leap", numbers: 2 },
  "opensuse-tumbleweed": { name: "openSUSE Tumbleweed", numbers: 0 },
  oracle: { name: "Oracle Linux", numbers: 1 },
  photon: { name: "Photon OS", numbers: 2 },
  redhat: { name: "Red Hat", numbers: 0 },
  rocky: { name: "rocky", numbers: 1 },
  sles: { name: "SUSE Linux Enterprise", numbers: 2 },
  slem: { name: "SUSE Linux Enterprise Micro", numbers: 2 },
  ubuntu: { name: "ubuntu", numbers: 2 },
  wolfi: { name: "wolfi", numbers: 0 },
};

/** Whether a database with these buckets knows anything of an operating system, as Trivy names it (`debian`, `12.5`). Pure. */
export function holdsDataFor(
  { family, name: version }: { readonly family: string; readonly name: string },
  buckets: readonly string[],
): boolean {
  const known = named[family];
  if (known === undefined) return false;
  const { name, numbers } = known;
  const wanted = [name, version.split(/[.\s]/).slice(0, numbers).join(".")].join(" ").trim();
  return buckets.some(
    (bucket) => bucket.startsWith(wanted) && !/^[\d.]/.test(bucket.slice(wanted.length)),
  );
}
