/** A package as Debian has it; the tests' database knows a critical weakness of it, up to its version 2.0. */
export const madeUp = (version: string) =>
  ["Package: made-up-critical", "Status: install ok installed", `Version: ${version}`]
    .concat(["Architecture: all", "Maintainer: Nobody <nobody@example.com>"])
    .concat(["Description: made up", ""])
    .join("\n");

/** The weakness, as the scan names it. */
export const weakness = { id: "CVE-2026-1001", package: "made-up-critical" } as const;

/** Files of a Debian that has this package alone: `addWeak` brings them into an image. */
export const weakFiles: Readonly<Record<string, string>> = {
  "system/etc/debian_version": "12.5\n",
  "system/etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
  "packages/made-up-critical": madeUp("1.0-1"),
};
export const addWeak = "COPY system /\nCOPY packages /var/lib/dpkg/status.d/";
