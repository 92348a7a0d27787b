#!/usr/bin/env bash
# Builds one Go program of the development machine and prints its path: `go-tool.sh registry|buildkitd|buildctl|act|actionlint|crane|trivy|cosign`.
# The modules come through the machine's Go proxy and are checked against the public checksum database.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1-} in
registry) version=$REGISTRY_VERSION package=github.com/distribution/distribution/v3/cmd/registry ;;
buildkitd | buildctl) version=$BUILDKIT_VERSION package=github.com/moby/buildkit/cmd/$1 ;;
act) version=$ACT_VERSION package=github.com/nektos/act ;;
actionlint) version=$ACTIONLINT_VERSION package=github.com/rhysd/actionlint/cmd/actionlint ;;
crane) version=$CRANE_VERSION package=github.com/google/go-containerregistry/cmd/crane ;;
cosign) version=$COSIGN_VERSION package=github.com/sigstore/cosign/v3/cmd/cosign ;;
trivy) version=$TRIVY_VERSION package=github.com/aquasecurity/trivy/cmd/trivy go=1.26.3 ldflags="-X github.com/aquasecurity/trivy/pkg/version/app.ver=${TRIVY_VERSION#v}" ;;
*) die "go-tool.sh: unknown program '${1-}'; it is one of registry, buildkitd, buildctl, act, actionlint, crane, trivy, cosign" ;;
esac
name=$1
dir="$CACHE/$name-$version"

build() {
  local out=$1 module
  command -v go >/dev/null || die "$name is built from source and this machine has no Go: install Go 1.26 or newer"
  module="$(mktemp -d)"
  cd "$module"
  quietly go mod init director-image-dev/"$name"
  # What its own module file asks for, and a library of it is of an experiment's kind.
  if [[ -n ${go-} ]]; then
    quietly go mod edit -go="$go"
    export GOEXPERIMENT=jsonv2
  fi
  quietly go get -tool "$package@$version" || die "$package@$version cannot be had through the Go proxy (see above)"
  CGO_ENABLED=0 quietly nice -n 10 go build -trimpath -ldflags="-s -w ${ldflags-}" -o "$out/$name" "$package" ||
    die "$package@$version did not build (see above)"
  rm -rf "$module"
}

if [[ ! -d $dir ]]; then
  note "Building $name $version"
  once "$dir" build
fi
printf '%s\n' "$dir/$name"
