#!/usr/bin/env bash
# The servers that the tests talk to: two Docker engines (containerd store, classic store), a BuildKit daemon and a
# registry with stand-in base images. They have their own folders, sockets and bridges, publish on loopback only, and
# leave the machine's firewall and any other Docker engine alone. Their data stays in the cache between runs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/setup/processes.sh"

usage() {
  cat <<'END'
usage: scripts/services.sh run COMMAND…   start the services, run COMMAND with their addresses, stop them
       scripts/services.sh start          start them and leave them running; addresses: <cache>/services.env
       scripts/services.sh stop           stop them (only those that this script started)

The cache is $DIRECTOR_IMAGE_DEV_CACHE, by default ~/.cache/director-image-dev. Several `run` at once share
the services: the last one to end stops them, unless `start` was said.
END
}

env_file="$CACHE/services.env"
# Bridges and their addresses are by cache folder, so that services of two caches can run beside each other.
slot=$(($(cksum <<<"$CACHE" | cut -d' ' -f1) % 250))
main_bridge=("di-main-$slot" "10.213.$slot.1/24")
classic_bridge=("di-classic-$slot" "10.214.$slot.1/24")

# --- the services ------------------------------------------------------------------------------------------------

# bridge NAME ADDRESS/BITS: a bridge device of our own with a way out to the network the machine is on.
bridge() {
  ip link show "$1" >/dev/null 2>&1 || ip link add name "$1" type bridge
  ip address replace "$2" dev "$1"
  ip link set "$1" up
  local rule=(POSTROUTING -s "$2" ! -o "$1" -j MASQUERADE)
  iptables -w -t nat -C "${rule[@]}" 2>/dev/null || iptables -w -t nat -A "${rule[@]}"
  for rule in -i -o; do
    iptables -w -C FORWARD "$rule" "$1" -j ACCEPT 2>/dev/null || iptables -w -I FORWARD "$rule" "$1" -j ACCEPT
  done
}

drop_bridge() {
  ip link show "$1" >/dev/null 2>&1 || return 0
  iptables -w -t nat -D POSTROUTING -s "$2" ! -o "$1" -j MASQUERADE 2>/dev/null || true
  iptables -w -D FORWARD -i "$1" -j ACCEPT 2>/dev/null || true
  iptables -w -D FORWARD -o "$1" -j ACCEPT 2>/dev/null || true
  ip link delete "$1"
}

start_containerd() {
  alive containerd && return
  cat >"$run_dir/containerd.toml" <<END
version = 3
root = "$CACHE/data/containerd"
state = "$run_dir/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
  address = "$run_dir/containerd.sock"
END
  PATH="$docker:$PATH" launch containerd "$docker/containerd" --config "$run_dir/containerd.toml"
  await containerd test -S "$run_dir/containerd.sock"
}

# engine NAME BRIDGE ADDRESS/BITS containerd|classic: the two stores of Docker, each in a name space of its own.
start_engine() {
  local name=$1 device=$2 address=$3 store=$4 snapshotter=false
  alive "$name" && return
  [[ $store == containerd ]] && snapshotter=true
  local pool='[{ "base": "10.215.0.0/16", "size": 24 }]'
  bridge "$device" "$address"
  # An engine that remembers its networks and has address pools of its own deletes docker0 when it starts, which is another engine's.
  rm -rf "$CACHE/data/$name/network"
  printf '{ "features": { "containerd-snapshotter": %s }, "default-address-pools": %s }\n' "$snapshotter" "$pool" >"$run_dir/$name.json"
  PATH="$docker:$PATH" launch "$name" "$docker/dockerd" --config-file "$run_dir/$name.json" \
    --host "unix://$run_dir/$name.sock" --data-root "$CACHE/data/$name" --exec-root "$run_dir/$name" \
    --pidfile "$run_dir/$name.docker.pid" --containerd "$run_dir/containerd.sock" --containerd-namespace "$name" \
    --containerd-plugins-namespace "$name-plugins" --bridge "$device" --iptables=false --ip6tables=false \
    --userland-proxy-path "$docker/docker-proxy"
  await "$name" "$docker/docker" --host "unix://$run_dir/$name.sock" info
}

start_buildkit() {
  alive buildkitd && return
  launch buildkitd "$1" --root "$CACHE/data/buildkit" --addr "unix://$run_dir/buildkitd.sock" \
    --oci-worker=true --oci-worker-binary=runc --containerd-worker=false
  await buildkitd test -S "$run_dir/buildkitd.sock"
}

# The registry of stand-in bases keeps its port from run to run, since image names carry it.
start_bases() {
  local port config="$run_dir/bases.yml"
  port="$(cat "$CACHE/bases.port" 2>/dev/null || true)"
  bases_address="127.0.0.1:$port"
  alive bases && return
  if [[ -z $port ]] || (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then port="$(free_port)"; fi
  bases_address="127.0.0.1:$port"
  printf '%s\n' "$port" >"$CACHE/bases.port"
  cat >"$config" <<END
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: "$CACHE/data/bases-$BASES_REVISION" } }
http: { addr: "127.0.0.1:$port" }
END
  OTEL_TRACES_EXPORTER=none launch bases "$1" serve "$config"
  await bases curl -fsS "http://127.0.0.1:$port/v2/"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_all() {
  [[ $EUID -eq 0 ]] || die "the test services are containers and engines of their own: run this as root"
  local bases registry old_registry crane act trivy building database
  mkdir -p "$run_dir" "$CACHE/data" "$CACHE/docker-config/cli-plugins"
  "$SETUP/debian.sh" skopeo jq curl zstd iproute2 iptables runc ca-certificates
  docker="$("$SETUP/docker.sh")"
  ln -sfn "$docker/docker-buildx" "$CACHE/docker-config/cli-plugins/docker-buildx"
  start_containerd
  start_engine main "${main_bridge[@]}" containerd
  start_engine classic "${classic_bridge[@]}" classic
  registry="$("$SETUP/go-tool.sh" registry)"
  start_bases "$registry"
  make_bases &
  bases=$!
  "$SETUP/go-tool.sh" trivy >/dev/null & # minutes on a machine that has not built it
  building=$!
  start_buildkit "$("$SETUP/go-tool.sh" buildkitd)"
  crane="$("$SETUP/go-tool.sh" crane)"
  act="$("$SETUP/go-tool.sh" act)"
  old_registry="$("$SETUP/old-registry.sh")"
  database="$("$SETUP/trivy-database.sh")"
  wait "$building" || die "Trivy could not be built (the reason is above)"
  trivy="$("$SETUP/go-tool.sh" trivy)"
  wait "$bases" || die "the stand-in bases could not be made (the reason is above)"
  {
    # shellcheck disable=SC2016  # expanded by whoever sources the file
    printf 'export PATH=%q:%q:"$PATH"\n' "$docker" "$(dirname "$trivy")"
    printf 'export %s=%q\n' \
      DOCKER_CONFIG "$CACHE/docker-config" \
      DOCKER_HOST "unix://$run_dir/main.sock" \
      TEST_CLASSIC_DOCKER_HOST "unix://$run_dir/classic.sock" \
      TEST_BUILDKIT_ADDR "unix://$run_dir/buildkitd.sock" \
      TEST_REGISTRY_BIN "$registry" \
      TEST_OLD_REGISTRY_BIN "$old_registry" \
      TEST_CRANE_BIN "$crane" \
      TEST_ACT_BIN "$act" \
      TEST_TRIVY_DB "$database" \
      TEST_BASES "$bases_address"
  } >"$env_file.new"
  mv "$env_file.new" "$env_file"
}

make_bases() {
  DOCKER_HOST="unix://$run_dir/main.sock" DOCKER_CONFIG="$CACHE/docker-config" PATH="$docker:$PATH" \
    "$SETUP/bases.sh" "$bases_address"
}

stop_all() {
  local name
  for name in bases buildkitd main classic containerd; do halt "$name"; done
  drop_bridge "${main_bridge[@]}"
  drop_bridge "${classic_bridge[@]}"
  rm -f "$env_file"
}

# --- who uses them -----------------------------------------------------------------------------------------------
# Every user holds a shared lock on users.lock for as long as it lives; the kernel drops it with the process, however
# that ends. Whoever gets the exclusive lock is alone and may stop the services. start.lock keeps starts and stops apart.

with_start_lock() {
  exec 8>"$CACHE/.start.lock"
  flock 8
  "$@"
  flock -u 8
  exec 8>&-
}

stop_if_last() {
  flock -u 9
  if [[ ! -e $run_dir/keep ]] && flock -n -x 9; then stop_all; fi
}

run() {
  exec 9>"$CACHE/.users.lock"
  flock -s 9
  trap 'with_start_lock stop_if_last' EXIT
  with_start_lock start_all
  # shellcheck source=/dev/null
  . "$env_file"
  "$@" <&0 9>&- &
  local child=$! status=0
  trap 'kill -TERM "$child" 2>/dev/null' INT TERM # a background command ignores INT
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do wait "$child" || status=$?; done
  exit "$status"
}

keep() {
  mkdir -p "$run_dir"
  touch "$run_dir/keep"
  start_all
  note "The services are running. Their addresses: . $env_file"
}

stop() {
  rm -f "$run_dir/keep"
  exec 9>"$CACHE/.users.lock"
  flock -n -x 9 || die "another scripts/services.sh run is using the services; they stop when it ends"
  stop_all
}

case ${1-} in
run)
  shift
  [[ $# -gt 0 ]] || { usage >&2; exit 2; }
  run "$@"
  ;;
start) with_start_lock keep ;;
stop) with_start_lock stop ;;
-h | --help) usage ;;
*) usage >&2; exit 2 ;;
esac
