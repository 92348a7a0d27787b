#!/usr/bin/env bash
# Base images made of Debian packages, for machines that cannot pull any: `bases.sh REGISTRY [IMAGE…]` pushes to
# REGISTRY (host:port) what is not there yet, using the Docker engine that DOCKER_HOST names (containerd store).
#   base:bookworm  amd64, arm64: Debian 12 with ca-certificates, curl, python3 (3.11)
#   rust:sid       amd64: Debian's newest Rust with the library for amd64 and arm64, clang, zig and cargo-zigbuild
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

registry=$1
shift
images=("${@:-base:bookworm}")
[[ $# -gt 0 ]] || images+=(rust:sid)

# root OUT SUITE ARCHITECTURES PACKAGES: a tar file with Debian's suite and these packages.
root() {
  local sources
  sources="$(mktemp --suffix=.sources)"
  "$SETUP/debian.sh" --sources "$2" >"$sources"
  quietly nice -n 10 mmdebstrap --variant=apt --architectures="$3" --include="$4" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' "$2" "$1" "$sources" ||
    die "mmdebstrap could not make a root of Debian's $2 for $3 (its output is above)"
  rm -f "$sources"
}

base_bookworm() {
  "$SETUP/emulation.sh"
  root "$1/amd64.tar" bookworm amd64 ca-certificates,curl,python3
  root "$1/arm64.tar" bookworm arm64 ca-certificates,curl,python3
  # shellcheck disable=SC2016  # expanded by BuildKit
  printf 'FROM scratch\nARG TARGETARCH\nADD ${TARGETARCH}.tar /\nCMD ["bash"]\n' >"$1/Dockerfile"
  push "$1" linux/amd64,linux/arm64 base:bookworm
}

rust_sid() {
  root "$1/amd64.tar" sid amd64,arm64 "rustc,cargo,libstd-rust-dev:amd64,libstd-rust-dev:arm64,gcc,libc6-dev,clang,\
git,make,pkg-config,libssl-dev,protobuf-compiler,python3,python3-pip,ca-certificates,curl"
  quietly python3 -m pip install --quiet --no-deps --target "$1/zig" "ziglang==$ZIG_VERSION" "cargo-zigbuild==$ZIGBUILD_VERSION" ||
    die "ziglang and cargo-zigbuild cannot be had from PyPI (see above)"
  printf 'FROM scratch\nADD amd64.tar /\nCOPY zig /usr/lib/python3/dist-packages\n%s\nCMD ["bash"]\n' \
    'COPY zig/bin/cargo-zigbuild /usr/local/bin/' >"$1/Dockerfile"
  push "$1" linux/amd64 rust:sid
}

push() {
  quietly nice -n 10 docker buildx build --builder "" --provenance=false --platform "$2" --tag "$registry/$3" \
    --output "type=image,push=true,compression=zstd,oci-mediatypes=true" "$1" ||
    die "the stand-in base $3 could not be put into the registry at $registry (see above)"
}

for image in "${images[@]}"; do
  curl -fsS -o /dev/null -H 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' \
    "http://$registry/v2/${image/:/\/manifests\/}" 2>/dev/null && continue
  note "Making the stand-in base $image from Debian packages"
  "$SETUP/debian.sh" mmdebstrap arch-test debian-archive-keyring
  work="$(mktemp -d -p "$CACHE")"
  "${image/:/_}" "$work"
  rm -rf "$work"
done
