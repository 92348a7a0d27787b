#!/usr/bin/env bash
# Builds the Director image of this repository: software, weights of a lock, both platforms. See --help.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"

usage() {
  cat <<'END'
usage: scripts/build-director-image.sh [VERSION] [FLAG…]

Builds Dockerfile.director, streams the weights of a models lock, puts the image together and leaves it runnable:
in the registry $REGISTRY as director:VERSION and director:latest; without REGISTRY as an OCI layout in
director-image/ and in the local Docker as nsn-director:VERSION. VERSION is `latest` by default. Further flags are
those of `director-image run`, such as --build-args VORTEX_EXTRAS= for an image without torch.

  REGISTRY         such as ghcr.io/me or 127.0.0.1:5000; log in first (docker login)
  MODELS_LOCK      the models lock; by default models.lock.json where REGISTRY is not on loopback, else the
                   miniature of examples/miniature, which is made and served here
  PLATFORMS        by default linux/amd64,linux/arm64
  BUILD_CONTEXTS   lines NAME=docker-image://… that replace base images of the Dockerfile

Missing npm packages are installed. On Debian without Docker, as root, an engine is started and left running.
END
}

version=latest
case ${1-} in
-h | --help) usage; exit ;;
-* | '') ;;
*) version=$1; shift ;;
esac

miniature="$ROOT/examples/miniature"
registry="${REGISTRY-}"
registry="${registry%/}"
case $registry in
'' | localhost | localhost[:/]* | 127.* | '[::1]'*) lock="$miniature/models.lock.json" ;;
*) lock="$ROOT/models.lock.json" ;;
esac
if [[ -n ${MODELS_LOCK-} ]]; then
  lock="$(realpath -m "$MODELS_LOCK")"
  printf 'Models lock: %s (MODELS_LOCK)\n' "$lock"
elif [[ $lock == "$miniature"/* ]]; then
  printf 'Models lock: %s (the miniature, since %s; another one by MODELS_LOCK)\n' "$lock" \
    "$([[ -n $registry ]] && echo 'REGISTRY is on loopback' || echo 'no REGISTRY is set')"
else
  printf 'Models lock: %s (REGISTRY is %s)\n' "$lock" "$registry"
fi
cd "$ROOT"

"$SETUP/npm.sh"
"$SETUP/engine.sh"
platforms="${PLATFORMS:-linux/amd64,linux/arm64}"
flags=(--results results --models "$lock" --platforms "$platforms" --push true --flavor latest=false)
flags+=(--allow-untested "built by scripts/build-director-image.sh")

if [[ -n $registry ]]; then
  flags+=(--image "$registry/director" --tags "type=raw,value=$version" --tags "type=raw,value=latest")
else
  flags+=(--image "oci:director-image" --tags "type=raw,value=$version" --load "nsn-director:$version")
fi

# The docker driver builds in the engine itself, with no BuildKit image to pull; it needs the containerd image store.
if [[ "$(docker info --format '{{.DriverStatus}}')" == *io.containerd.snapshotter* ]]; then flags+=(--driver docker); fi

# Does a registry answer? 401 is an answer: it wants a token.
answers() {
  local status
  status="$(curl -s -o /dev/null -m 5 -w '%{http_code}' "https://$1/v2/" || true)"
  [[ $status == 200 || $status == 401 ]]
}

if [[ -n ${BUILD_CONTEXTS-} ]]; then
  while read -r context; do [[ -z $context ]] || flags+=(--build-contexts "$context"); done <<<"$BUILD_CONTEXTS"
elif ! answers registry-1.docker.io; then
  printf 'Base images cannot be reached from here: standing in with bases made of Debian packages (%s).\n' \
    scripts/setup/bases.sh
  [[ " ${flags[*]} " == *" --driver docker "* ]] ||
    die 'stand-ins need a Docker engine with the containerd image store: set "features": { "containerd-snapshotter": true }'
  "$SETUP/bases.sh" director-image-dev
  mapfile -t stand_ins < <("$SETUP/local-build-inputs.sh" --director-image director-image-dev)
  flags+=("${stand_ins[@]}")
fi
if [[ " $* " != *" --trivy-db"* ]] && ! answers mirror.gcr.io && ! answers ghcr.io; then
  printf 'No vulnerability database can be reached from here: the image is not scanned (--trivy-db names another one).\n'
  flags+=(--fail-on none)
fi
foreign=arm64
[[ "$(uname -m)" != aarch64 ]] || foreign=amd64
[[ $platforms == *$foreign* ]] && [[ -f /etc/debian_version && $EUID -eq 0 ]] && "$SETUP/emulation.sh"

# The miniature's files and its hub, for as long as this script runs.
if [[ $lock == "$miniature/models.lock.json" ]]; then
  work="$(mktemp -d)"
  mkfifo "$work/said"
  node_modules/.bin/node "$miniature/make.ts" --out "$work/files" >&2
  node_modules/.bin/node "$miniature/hub.ts" --root "$work/files" >"$work/said" &
  hub=$!
  trap 'kill "$hub" 2>/dev/null || true; rm -rf "$work"' EXIT
  read -r said <"$work/said" || die "the miniature's hub did not start"
  export "${said?}"
fi

node_modules/.bin/node dist/cli/index.js run "${flags[@]}" "$@"
