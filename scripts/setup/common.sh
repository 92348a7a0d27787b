# shellcheck shell=bash disable=SC2034
# Sourced by every script of the development machine: where things are kept, and how they say what they do.

CACHE="${DIRECTOR_IMAGE_DEV_CACHE:-$HOME/.cache/director-image-dev}"
SETUP="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$SETUP/../.." && pwd)"
mkdir -p "$CACHE"

. "$SETUP/versions.sh"

# Says on standard error what is being done.
note() { printf '%s\n' "$*" >&2; }

# Ends the script with one message: what was seen, what was wanted, what to do.
die() {
  printf 'error: %s\n' "$*" >&2
  exit 3
}

# Is DIR missing? Then `once DIR COMMAND…` runs COMMAND with a fresh folder as its last argument and renames
# that folder to DIR when the command is done: DIR is whole or not there. One process at a time makes it.
once() {
  local dir=$1 lock
  shift
  [[ -d $dir ]] && return
  lock="$CACHE/.$(basename "$dir").lock"
  (
    flock 7
    [[ -d $dir ]] && exit 0
    rm -rf "$dir.partial"
    mkdir -p "$dir.partial"
    "$@" "$dir.partial" 7>&-
    mv "$dir.partial" "$dir"
  ) 7>"$lock"
}

# Runs a command quietly; shows what it said only if it fails.
quietly() {
  local log
  log="$(mktemp)"
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}
