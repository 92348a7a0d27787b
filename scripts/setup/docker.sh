#!/usr/bin/env bash
# A Docker engine with the containerd image store, from Debian's newer suite: prints the folder that holds dockerd,
# docker-proxy, docker-init, docker, containerd, its shim and docker-buildx. runc is Debian 12's own (the newer one needs a newer
# libc). Signatures are checked by apt; the machine's own package lists stay as they are.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
dir="$CACHE/docker-$DOCKER_SUITE-$DOCKER_MINIMUM"

unpack() {
  local out=$1 work
  work="$(mktemp -d)"
  mkdir -p "$work/lists/partial" "$work/parts" "$work/debs" "$work/root"
  "$SETUP/debian.sh" --sources "$DOCKER_SUITE" >"$work/parts/newer.sources"
  local options=(-o "Dir::State::Lists=$work/lists" -o Dir::Etc::SourceList=/dev/null
    -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::Cache=$work/cache" -o Acquire::Check-Valid-Until=false
    -o Acquire::Retries=3 -o APT::Sandbox::User=root)
  quietly apt-get "${options[@]}" update ||
    die "Debian's suite $DOCKER_SUITE cannot be read (apt's output is above): Docker's engine comes from there"
  (cd "$work/debs" && quietly apt-get "${options[@]}" download docker.io docker-cli docker-buildx containerd) ||
    die "Debian's suite $DOCKER_SUITE does not give docker.io, docker-cli, docker-buildx and containerd (see above)"
  local deb
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  find "$work/root/usr" -type f -perm -u+x \( -path '*bin/*' -o -path '*/cli-plugins/*' \) \
    -regex '.*/\(dockerd\|docker-proxy\|docker\|docker-buildx\|containerd\|containerd-shim-runc-v2\)' \
    -exec mv -t "$out" {} +
  rm -rf "$work"
  local major
  major="$("$out/dockerd" --version | sed -E 's/^Docker version ([0-9]+).*/\1/')"
  ((major >= DOCKER_MINIMUM)) ||
    die "Debian's $DOCKER_SUITE has Docker $major; version $DOCKER_MINIMUM or newer is needed (scripts/setup/versions.sh)"
}

"$SETUP/debian.sh" runc iptables iproute2 ca-certificates tini
if [[ ! -d $dir ]]; then
  note "Unpacking Docker's engine from Debian's $DOCKER_SUITE"
  once "$dir" unpack
fi
[[ -e $dir/docker-init ]] || ln -sfn /usr/bin/tini-static "$dir/docker-init" # for containers started with --init
printf '%s\n' "$dir"
