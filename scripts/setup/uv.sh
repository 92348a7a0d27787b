#!/usr/bin/env bash
# uv from PyPI, in a folder of its own; prints the path of the program.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
dir="$CACHE/uv-$UV_VERSION"
fill() { quietly python3 -m pip install --quiet --no-deps --target "$1" "uv==$UV_VERSION" || die "uv $UV_VERSION cannot be had from PyPI (see above)"; }
[[ -d $dir ]] || note "Installing uv $UV_VERSION"
once "$dir" fill
printf '%s\n' "$dir/bin/uv"
