#!/usr/bin/env bash
# Bundles src/ into what the action and the command run: scripts/package.sh [FOLDER], by default dist/. The same bytes anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
lib=lib

if [ "${1:-}" = --help ]; then
  sed -n '2s/^# //p' "$0"
  exit 0
fi
rm -rf "$lib" "$out"
npx --no-install tsc -p tsconfig.build.json
for entry in main post cli; do
  npx --no-install ncc build "$lib/$entry.js" -o "$out/$entry" --target es2022 --quiet
done
# gRPC's own services, which nobody calls: ncc takes every file along that a package might read.
rm -rf "$out"/*/proto "$out"/*/xds "$out"/*/protoc-gen-validate
node_modules/.bin/node scripts/licenses.ts "$out/licenses.txt"
