#!/usr/bin/env bash
# Every check and suite of the project, the cheap ones first. The last line is "N passed, N failed", with ", N skipped"
# where something was; a check counts as one test, and one that cannot run has failed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
cd "$ROOT"

suites=(format unused types shell workflows bundle rust-format rust-lint python unit rust integration)

usage() {
  cat <<END
usage: scripts/test.sh [--only SUITE]… [--list] [--help]

  --only SUITE   run this suite; may be repeated
  --list         print the suites in their order

Suites: ${suites[*]}
Missing tools, packages and test services are set up first (Debian, root); full logs go to a folder that is named at the end.
END
}

passed=0 failed=0 skipped=0 failures=()
logs="$(mktemp -d "${TMPDIR:-/tmp}/director-image-test.XXXXXX")"

# report NAME SECONDS PASSED FAILED SKIPPED: adds a suite's counts and says them; shows its log if something failed.
report() {
  passed=$((passed + $3)) failed=$((failed + $4)) skipped=$((skipped + $5))
  if (($4 > 0)); then
    failures+=("$1")
    sed 's/^/    /' "$logs/$1.log"
  fi
  printf '%-14s %5s s  %s passed, %s failed, %s skipped\n' "$1" "$2" "$3" "$4" "$5"
}

# run COMMAND…: in a process group of its own, which is told when this script is: nothing outlives it, services included.
running=
run() {
  local status=0
  set -m
  "$@" &
  running=$!
  set +m
  wait "$running" || status=$?
  running=
  return "$status"
}
interrupted() {
  trap '' INT TERM
  if [[ -n $running ]]; then
    kill -TERM -- "-$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
  fi
  exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

# check NAME COMMAND…: one test, which passes when the command does.
check() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  if run "$@" >"$logs/$name.log" 2>&1 </dev/null; then
    report "$name" $((SECONDS - began)) 1 0 0
  else
    report "$name" $((SECONDS - began)) 0 1 0
  fi
}

# suite NAME COUNTER COMMAND…: many tests; `COUNTER NAME` prints "passed failed skipped" from the machine-readable
# report. A command that fails without a failed test, and a suite without a test, count as one failure.
suite() {
  local name=$1 counter=$2 began=$SECONDS status=0 counts
  shift 2
  printf '\n== %s: %s\n' "$name" "$*"
  run "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
  read -ra counts <<<"$("$counter" "$name" 2>>"$logs/$name.log" || true)"
  [[ ${#counts[@]} -eq 3 ]] || counts=(0 0 0)
  if ((counts[1] == 0 && (status != 0 || counts[0] == 0))); then
    printf 'the suite ended with status %s and counted: %s\n' "$status" "${counts[*]}" >>"$logs/$name.log"
    counts[1]=1
  fi
  report "$name" $((SECONDS - began)) "${counts[@]}"
}

count_jest() {
  node -e '
    const run = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    const broken = run.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
    console.log(run.numPassedTests, run.numFailedTests + broken.length, run.numPendingTests + run.numTodoTests);
  ' "$logs/$1.json"
}

count_cargo() {
  awk '/^test result:/ { for (i = 1; i < NF; i++) { if ($(i+1) ~ /^passed/) p += $i
    if ($(i+1) ~ /^failed/) f += $i; if ($(i+1) ~ /^ignored/) s += $i } } END { print p + 0, f + 0, s + 0 }' "$logs/$1.log"
}

count_pytest() {
  python3 - "$logs/$1.xml" <<'END'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
bad = int(suite["failures"]) + int(suite["errors"])
print(int(suite["tests"]) - bad - int(suite["skipped"]), bad, int(suite["skipped"]))
END
}

# jest NAME MINUTES ARGUMENT…: with the addresses of the services, and an end to a suite that hangs.
jest() {
  NODE_OPTIONS="--experimental-vm-modules --no-warnings" scripts/services.sh run timeout --kill-after=30 "$2m" \
    node_modules/.bin/jest --ci --json --outputFile="$logs/$1.json" "${@:3}"
}

run_format() { check format node_modules/.bin/biome ci --colors=off .; }
run_unused() { check unused node_modules/.bin/knip --no-config-hints; }
run_types() { check types node_modules/.bin/tsc -p .; }

run_shell() {
  local shellcheck
  shellcheck="$("$SETUP/python-tool.sh" shellcheck)" || shellcheck=false
  check shell "$shellcheck" scripts/*.sh scripts/setup/*.sh scripts/try-on-github/*.sh .ci/run
}

run_workflows() {
  local actionlint shellcheck zizmor
  actionlint="$("$SETUP/go-tool.sh" actionlint)" || actionlint=false
  shellcheck="$("$SETUP/python-tool.sh" shellcheck)" || shellcheck=false
  zizmor="$("$SETUP/python-tool.sh" zizmor)" || zizmor=false
  check workflows "$actionlint" -shellcheck="$shellcheck" -pyflakes=
  check workflows-safe "$zizmor" --offline --no-progress --strict-collection .github action.yml
}

bundle_is_fresh() {
  scripts/package.sh "$logs/dist" || return
  if ! diff --recursive --brief dist "$logs/dist"; then
    echo "dist/ is not what src/ gives: run scripts/package.sh and commit dist/"
    return 1
  fi
  node dist/cli/index.js --help
}
run_bundle() { check bundle bundle_is_fresh; }

# Built outside the checkout, so that the next clone finds the dependencies compiled.
in_rust() { (cd director && CARGO_TERM_COLOR=never CARGO_TARGET_DIR="$CACHE/rust-target" "$@"); }
run_rust-format() { check rust-format in_rust cargo fmt --all --check; }
run_rust-lint() {
  local deny
  check rust-lint in_rust cargo clippy --locked --workspace --all-targets -- -D warnings
  deny="$("$SETUP/cargo-tool.sh" cargo-deny)" || deny=false
  check rust-deny in_rust "$deny" --locked check bans licenses sources
  # A Git repository on GitHub, which not every machine reaches.
  if in_rust timeout 120 "$deny" fetch db >"$logs/rust-advisories.log" 2>&1; then
    check rust-advisories in_rust "$deny" --locked check --disable-fetch advisories
  else
    printf '\n== rust-advisories: skipped, their database cannot be fetched: %s\n' \
      "$(grep -m 1 '^fatal:' "$logs/rust-advisories.log" || tail -n 1 "$logs/rust-advisories.log")"
    report rust-advisories 0 0 0 1
  fi
}
run_rust() { suite rust count_cargo in_rust cargo test --locked --workspace; }

in_python() { (cd vortex && UV_PYTHON_DOWNLOADS=never "$uv" "$@"); }
run_python() {
  uv="$("$SETUP/python-tool.sh" uv)" || uv=false
  check python-lock in_python sync --locked
  check python-lint in_python run --locked ruff check
  check python-format in_python run --locked ruff format --check
  check python-types in_python run --locked mypy
  suite python count_pytest in_python run --locked pytest --junitxml "$logs/python.xml"
}

# These build and run images: one file at a time. All others may run side by side.
together=(/integration/ /e2e/ /dockerfile/)
run_unit() { suite unit count_jest jest unit 30 --testPathIgnorePatterns "${together[@]}"; }
run_integration() { suite integration count_jest jest integration 70 --runInBand --testPathPatterns "${together[@]}"; }

chosen=()
while [[ $# -gt 0 ]]; do
  case $1 in
  --only)
    [[ " ${suites[*]} " == *" ${2-} "* ]] || { note "there is no suite '${2-}'; the suites are: ${suites[*]}"; exit 2; }
    chosen+=("$2")
    shift
    ;;
  --list) printf '%s\n' "${suites[@]}"; exit ;;
  -h | --help) usage; exit ;;
  *) usage >&2; exit 2 ;;
  esac
  shift
done

"$SETUP/npm.sh"
for name in "${chosen[@]:-${suites[@]}}"; do
  "run_$name"
done

printf '\nFull logs: %s\n' "$logs"
((failed == 0)) || printf 'Failed: %s\n' "${failures[*]}"
summary="$passed passed, $failed failed"
((skipped == 0)) || summary+=", $skipped skipped"
printf '%s\n' "$summary"
((failed == 0 && passed > 0))
