#!/usr/bin/env bash
# Makes sure that `docker` and `docker buildx` work for the caller. Where `docker info` works, nothing is touched.
# Otherwise (Debian, root) an engine with the containerd image store is started at /var/run/docker.sock and left running.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
socket=/var/run/docker.sock

if ! docker info >/dev/null 2>&1; then
  [[ -z ${DOCKER_HOST-} ]] || die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST"
  [[ $EUID -eq 0 && -f /etc/debian_version ]] ||
    die "no Docker engine answers (docker info). Install or start Docker; only on Debian, as root, this script does it"
  engine="$("$SETUP/docker.sh")"
  "$SETUP/debian.sh" iptables iproute2 runc
  if ! command -v docker >/dev/null; then
    note "Docker's command is put at /usr/local/bin/docker."
    ln -s "$engine/docker" /usr/local/bin/docker
  fi
  config=/etc/docker/daemon.json
  if [[ ! -e $config ]]; then
    config="$CACHE/daemon.json"
    printf '{ "features": { "containerd-snapshotter": true } }\n' >"$config"
  fi
  note "No Docker engine answers: starting one at $socket. It keeps running; its log is $CACHE/dockerd.log; to end it: kill \$(cat /var/run/docker.pid)"
  PATH="$engine:$PATH" setsid "$engine/dockerd" --host "unix://$socket" --config-file "$config" \
    --userland-proxy-path "$engine/docker-proxy" >>"$CACHE/dockerd.log" 2>&1 </dev/null &
  pid=$!
  until docker info >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > 90)); then
      tail -n 15 "$CACHE/dockerd.log" >&2
      die "Docker's engine did not come up (its last lines are above, all of them in $CACHE/dockerd.log)"
    fi
    sleep 0.2
  done
fi

if ! docker buildx version >/dev/null 2>&1 && [[ -f /etc/debian_version ]]; then
  plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
  note "Docker has no buildx here: putting Debian's at $plugins/docker-buildx"
  mkdir -p "$plugins"
  ln -sfn "$("$SETUP/docker.sh")/docker-buildx" "$plugins/docker-buildx"
fi
