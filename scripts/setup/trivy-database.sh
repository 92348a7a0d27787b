#!/usr/bin/env bash
# Makes the tests' vulnerability database (__tests__/trivy/database), updated now, and prints its folder.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sources="$ROOT/__tests__/trivy/database"
dir="$CACHE/trivy-database-$(cat "$sources"/main.go "$sources"/go.* | sha256sum | cut -c 1-12)"

make_database() {
  command -v go >/dev/null || die "the test database is made by a program in Go and this machine has none: install Go 1.26 or newer"
  mkdir "$1/db"
  (cd "$sources" && quietly go run . "$1/db") || die "the test database could not be made (see above)"
}

[[ -d $dir ]] || note "Making the vulnerability database of the tests"
once "$dir" make_database
# Nobody reads half of it: a database that a test run uses must not grow older than the run.
now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
printf '{"Version":2,"NextUpdate":"%s","UpdatedAt":"%s","DownloadedAt":"%s"}\n' "$now" "$now" "$now" >"$dir/metadata.new.$$"
mv "$dir/metadata.new.$$" "$dir/db/metadata.json"
printf '%s\n' "$dir"
