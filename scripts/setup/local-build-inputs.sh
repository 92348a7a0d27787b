#!/usr/bin/env bash
# What a build of Dockerfile.director needs on a machine that cannot pull its bases: a stand-in for each image that it
# names, and this machine's certificates. Prints one argument a line, for `docker build`, or with --director-image for
# `director-image`; nothing where there are no stand-ins:
#
#   mapfile -t inputs < <(scripts/setup/local-build-inputs.sh [--director-image] [PREFIX])
#
# PREFIX is where scripts/setup/bases.sh put the stand-ins; by default $TEST_BASES.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

context=--build-context secret=--secret secret_value=id=ca,src=
if [[ ${1-} == --director-image ]]; then
  context=--build-contexts secret=--secret-files secret_value=ca=
  shift
fi
prefix="${1:-${TEST_BASES-}}"
[[ -n $prefix ]] || exit 0

while read -r image; do
  case $image in
  rust:*) stand_in=rust:sid ;;
  */uv:*) stand_in=uv:wheel ;;
  *) stand_in=base:bookworm ;;
  esac
  printf '%s\n%s=docker-image://%s/%s\n' "$context" "$image" "$prefix" "$stand_in"
done < <(awk '$1 == "FROM" { name = $2 ~ /^--/ ? $3 : $2; if (name ~ /:[0-9]/) print name }' "$ROOT/Dockerfile.director")

certificates="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
if [[ -f $certificates ]]; then printf '%s\n%s%s\n' "$secret" "$secret_value" "$certificates"; fi
