#!/usr/bin/env bash
# Base images made of Debian packages, for machines that cannot pull any: `bases.sh PREFIX` makes those that the caller's
# Docker engine (containerd store) lacks, named PREFIX/base:bookworm and so on. Where PREFIX is a registry on loopback
# (127.0.0.1:PORT) they are pushed there. The Debian roots stay in the cache.
#   base:bookworm  amd64, arm64: Debian 12 with ca-certificates, curl, python3 (3.11)
#   rust:sid       this machine's platform: Debian's newest Rust with the library for amd64 and arm64, clang, zig and cargo-zigbuild
#   uv:wheel       amd64, arm64: uv from PyPI, as /uv
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

prefix=$1
push=false
[[ $prefix == 127.0.0.1:* ]] && push=true
case "$(uname -m)" in
aarch64) native=arm64 foreign=amd64 ;;
*) native=amd64 foreign=arm64 ;;
esac

# root NAME SUITE ARCHITECTURES PACKAGES: a root of Debian's suite with these packages, as $work/NAME.tar.
root() {
  local dir="$CACHE/root-$2-$1-$BASES_REVISION"
  if [[ ! -d $dir ]]; then
    note "Making a root of Debian's $2 ($3)"
    "$SETUP/debian.sh" mmdebstrap arch-test debian-archive-keyring
    once "$dir" bootstrap "$2" "$3" "$4"
  fi
  ln "$dir/root.tar" "$work/$1.tar"
}

bootstrap() {
  local sources
  sources="$(mktemp --suffix=.sources)"
  "$SETUP/debian.sh" --sources "$1" >"$sources"
  quietly nice -n 10 mmdebstrap --variant=apt --architectures="$2" --include="$3" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' "$1" "$4/root.tar" "$sources" ||
    die "mmdebstrap could not make a root of Debian's $1 for $2 (its output is above)"
  rm -f "$sources"
}

# pypi DIR PACKAGE…: these packages, and nothing that they depend on, in a folder; options of pip may come first.
pypi() {
  python3 -m pip --version >/dev/null 2>&1 || "$SETUP/debian.sh" python3-pip
  quietly python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$@" ||
    die "not to be had from PyPI (see above): ${*:2}"
}

base_bookworm() {
  "$SETUP/emulation.sh"
  root amd64 bookworm amd64 ca-certificates,curl,python3
  root arm64 bookworm arm64 ca-certificates,curl,python3
  # shellcheck disable=SC2016  # expanded by BuildKit
  printf 'FROM scratch\nARG TARGETARCH\nADD ${TARGETARCH}.tar /\nCMD ["bash"]\n' >"$work/Dockerfile"
  platforms=linux/amd64,linux/arm64
}

rust_sid() {
  root rust sid "$native,$foreign" "rustc,cargo,libstd-rust-dev:amd64,libstd-rust-dev:arm64,gcc,libc6-dev,clang,\
git,make,pkg-config,libssl-dev,protobuf-compiler,python3,python3-pip,ca-certificates,curl"
  pypi "$work/zig" "ziglang==$ZIG_VERSION" "cargo-zigbuild==$ZIGBUILD_VERSION"
  printf 'FROM scratch\nADD rust.tar /\nCOPY zig /usr/lib/python3/dist-packages\n%s\nCMD ["bash"]\n' \
    'COPY zig/bin/cargo-zigbuild /usr/local/bin/' >"$work/Dockerfile"
  platforms=linux/$native
}

uv_wheel() {
  pypi "$work/amd64" --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 "uv==$UV_VERSION"
  pypi "$work/arm64" --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 "uv==$UV_VERSION"
  # shellcheck disable=SC2016  # expanded by BuildKit
  printf 'FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH}/bin/uv /uv\n' >"$work/Dockerfile"
  platforms=linux/amd64,linux/arm64
}

# Is the image in the engine and, where it is pushed, in the registry?
present() {
  local accept='Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
  if $push && ! curl -fsS -o /dev/null -H "$accept" "http://$prefix/v2/${1/:/\/manifests\/}" 2>/dev/null; then return 1; fi
  docker image inspect "$prefix/$1" >/dev/null 2>&1 || { $push && quietly docker pull "$prefix/$1"; }
}

for image in base:bookworm rust:sid uv:wheel; do
  present "$image" && continue
  note "Making the stand-in $prefix/$image"
  work="$(mktemp -d -p "$CACHE")"
  "${image/:/_}"
  quietly nice -n 10 docker buildx build --builder "" --provenance=false --platform "$platforms" \
    --output "type=image,name=$prefix/$image,push=$push,compression=zstd,oci-mediatypes=true" "$work" ||
    die "the stand-in base $image could not be built (see above)"
  rm -rf "$work"
done
