#!/usr/bin/env bash
# Builds one Rust program of the development machine and prints its path: `cargo-tool.sh cargo-deny`.
# The crates come from the machine's registry, in the versions and with the checksums of the program's own Cargo.lock.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1-} in
cargo-deny) version=$CARGO_DENY_VERSION ;;
*) die "cargo-tool.sh: unknown program '${1-}'; it is cargo-deny" ;;
esac
name=$1
dir="$CACHE/$name-$version"

# Without link-time optimisation: half the time, and the program runs for a second or two.
build() {
  local out=$1 work
  command -v cargo >/dev/null || die "$name is built from source and this machine has no Rust: install Rust 1.95 or newer"
  work="$(mktemp -d)"
  CARGO_TARGET_DIR="$work" CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    quietly nice -n 10 cargo install "$name" --version "$version" --locked --root "$work/root" ||
    die "$name $version did not build (see above)"
  mv "$work/root/bin/$name" "$out/"
  rm -rf "$work"
}

if [[ ! -d $dir ]]; then
  note "Building $name $version (some minutes)"
  once "$dir" build
fi
printf '%s\n' "$dir/$name"
