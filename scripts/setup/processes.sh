# shellcheck shell=bash
# Sourced by scripts/services.sh: processes in the background, each by a name. Their ids, sockets and logs are in $run_dir.

run_dir="$CACHE/run"

# Is the process that we started under NAME still that program?
alive() {
  local pid program
  [[ -f $run_dir/$1.pid ]] || return 1
  read -r pid program <"$run_dir/$1.pid"
  [[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" == "$program" ]]
}

# launch NAME PROGRAM ARGUMENT…: starts it in the background, in a session of its own, without our locks.
launch() {
  local name=$1 program
  program="$(readlink -f "$2")"
  shift 2
  rm -f "$run_dir/$name.sock" "$run_dir/$name.docker.pid" # left by a machine that was switched off
  setsid "$program" "$@" >>"$run_dir/$name.log" 2>&1 </dev/null 7>&- 8>&- 9>&- &
  printf '%s %s\n' "$!" "$program" >"$run_dir/$name.pid"
}

# Waits until a command succeeds; ends with the server's last words if it does not within 60 s or the server dies.
await() {
  local name=$1 deadline=$((SECONDS + 60)) pid
  shift
  read -r pid _ <"$run_dir/$name.pid"
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" || ((SECONDS > deadline)); then
      tail -n 15 "$run_dir/$name.log" >&2
      die "$name did not come up (its last lines are above, all of them in $run_dir/$name.log)"
    fi
    sleep 0.1
  done
}

# Stops what was started under NAME, by its own id: politely, and after 20 s by force.
halt() {
  local name=$1 pid
  if alive "$name"; then
    read -r pid _ <"$run_dir/$name.pid"
    kill "$pid" 2>/dev/null || true
    for _ in {1..200}; do
      alive "$name" || break
      sleep 0.1
    done
    if alive "$name"; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$run_dir/$name.pid"
}
