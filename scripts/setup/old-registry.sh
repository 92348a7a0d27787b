#!/usr/bin/env bash
# Debian 12's registry (distribution 2.8, which cannot resume an upload); prints the path of the program.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
dir="$CACHE/docker-registry-bookworm"

# Unpacked beside the system rather than installed: the package would start a service.
unpack() {
  local work
  work="$(mktemp -d)"
  (cd "$work" && quietly apt-get -o Acquire::Retries=3 -o APT::Sandbox::User=root download docker-registry) ||
    die "Debian's package docker-registry cannot be downloaded (see above); is apt-get update needed?"
  dpkg -x "$work"/docker-registry_*.deb "$work/root"
  mv "$work/root/usr/bin/docker-registry" "$1/"
  rm -rf "$work"
}

once "$dir" unpack
printf '%s\n' "$dir/docker-registry"
