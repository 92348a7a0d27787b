#!/usr/bin/env bash
# The npm packages of package-lock.json, installed when one is missing or of another version.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

command -v npm >/dev/null || die "Node.js 20.19 or newer with npm is needed; this machine has none: install it (Debian: nodejs, npm)"

# Compares the lock with npm's own record of what it installed; optional packages are of other platforms.
complete() {
  node -e '
    const read = (path) => JSON.parse(require("node:fs").readFileSync(path, "utf8")).packages;
    const wanted = Object.entries(read("package-lock.json")).filter(([path, entry]) => path !== "" && !entry.optional);
    const installed = read("node_modules/.package-lock.json");
    process.exit(wanted.every(([path, entry]) => installed[path]?.version === entry.version) ? 0 : 1);' 2>/dev/null
}

complete && exit 0
note "Installing npm packages"
quietly npm ci --no-audit --no-fund || die "npm ci failed (its output is above)"
