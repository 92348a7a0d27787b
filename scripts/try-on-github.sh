#!/usr/bin/env bash
# Tries on GitHub what act and loopback servers cannot show (docs/not-tried.md). See --help. Nothing is created without asking.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/try-on-github/workflows.sh"
. "$here/try-on-github/rows.sh"

rows=(permissions publish arm64 ghcr attestation code-scanning queue environment rebuild pull-request release ci dependabot)

usage() {
  cat <<END
usage: scripts/try-on-github.sh OWNER/SCRATCH [--action OWNER/REPO@REF] [--only ROW]… [--yes] [--list] [--help]

Puts three small workflows into the repository OWNER/SCRATCH, which is made where it is missing, runs them, and prints a Markdown table
of what was seen: rows for docs/not-tried.md. It takes about half an hour, most of it waiting. Needs gh 2.80 or newer, logged in with the
scopes repo, workflow, read:packages. Whatever it is about to create or change it says first, and asks; --yes answers yes. It deletes
nothing: the end of its output says how.

  --action REF  what is tried; by default nsn/director-image-action@v1
  --only ROW    this row alone; may be repeated. Rows after 'publish' look at its newest run
  --yes         does not ask
  --list        prints the rows: ${rows[*]}

Not tried here: a fork's pull request and Dependabot's in the scratch repository (another account's), a GPU runner, a label that no
runner has (24 hours), GitHub Enterprise Server.
END
}

action=nsn/director-image-action@v1 scratch='' yes=false chosen=() failed=0
while [[ $# -gt 0 ]]; do
  case $1 in
  -h | --help) usage; exit ;;
  --list) printf '%s\n' "${rows[@]}"; exit ;;
  --yes) yes=true ;;
  --action) action=${2-}; shift ;;
  --only)
    [[ " ${rows[*]} " == *" ${2-} "* ]] || { printf "there is no row '%s'; the rows are: %s\n" "${2-}" "${rows[*]}" >&2; exit 2; }
    chosen+=("$2"); shift ;;
  -*) usage >&2; exit 2 ;;
  *) [[ -z $scratch ]] || { usage >&2; exit 2; }; scratch=$1 ;;
  esac
  shift
done
[[ $scratch =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ && $action =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+@[A-Za-z0-9./_-]+$ ]] || { usage >&2; exit 2; }
source=${action%@*} ref=${action#*@}
[[ ${scratch,,} != "${source,,}" ]] || { printf 'error: %s is the action itself: name a scratch repository\n' "$scratch" >&2; exit 2; }
owner=${scratch%/*} name=${scratch#*/}
package="try-${name,,}" image="ghcr.io/${owner,,}/try-${name,,}"
seconds=${TRY_ON_GITHUB_PAUSE:-10} # between two looks

note() { printf '%s\n' "$*" >&2; }
die() { note "error: $*"; exit 3; }
# row NAME as-documented|differs WHAT: a line of the table.
row() {
  printf '| %s | %s | %s |\n' "$1" "$2" "$(tr '\n|' ' /' <<<"$3" | sed 's/ *$//')"
}
ask() {
  local answer
  $yes && { note "$1"; return; }
  printf '%s [y/N] ' "$1" >&2
  read -r answer || answer=''
  [[ $answer == [yY]* ]] || { note "Not done."; exit 4; }
}

# --- the scratch repository --------------------------------------------------------------------------------------

# put PATH BRANCH <TEXT: makes or changes a file by one commit.
put() {
  local sha arguments=()
  sha="$(gh api "repos/$scratch/contents/$1?ref=$2" --jq .sha 2>/dev/null || true)"
  [[ -z $sha ]] || arguments=(-f "sha=$sha")
  gh api --method PUT "repos/$scratch/contents/$1" -f "message=Try the Director image's workflows" -f "branch=$2" \
    -f "content=$(base64 -w 0)" "${arguments[@]}" --silent || die "the file $1 could not be written to $scratch ($2)"
}

prepare() {
  local branch
  gh auth status >/dev/null 2>&1 || die "gh is not logged in: gh auth login --scopes repo,workflow,read:packages"
  if ! gh repo view "$scratch" --json name >/dev/null 2>&1; then
    ask "Create the public repository $scratch?"
    gh repo create "$scratch" --public --add-readme >/dev/null
  fi
  branch="$(gh repo view "$scratch" --json defaultBranchRef --jq .defaultBranchRef.name)"
  ask "Write four files to $scratch ($branch), and run workflows there that publish $image?"
  printf 'FROM docker.io/library/alpine:3 AS runtime\nUSER 1000\n' | put Dockerfile.director "$branch"
  caller try-publish "$dispatch" "$permissions" "$publish_inputs" | put .github/workflows/try-publish.yml "$branch"
  caller try-lacking workflow_dispatch "$(grep -v id-token <<<"$permissions")" '' | put .github/workflows/try-lacking.yml "$branch"
  check | put .github/workflows/try-check.yml "$branch"
}

note "Trying $action in $scratch."
prepare
printf '| row | verdict | seen on %s |\n| --- | --- | --- |\n' "$(date -u +%F)"
for each in "${chosen[@]:-${rows[@]}}"; do
  # A command that fails ends its row and no other one; a question that was answered no is no failure.
  status=0
  set +e
  seen="$(set -e; "try_$each")"
  status=$?
  set -e
  [[ -z $seen ]] || printf '%s\n' "$seen"
  case $status in
  0) ;;
  4) row "$each" not-tried "the question was answered no" ;;
  *) row "$each" differs "a command failed; what it said is above" ;;
  esac
  [[ $seen != *'| differs |'* && ( $status == 0 || $status == 4 ) ]] || failed=1
done
note "To clean up: gh repo delete $scratch; the package: https://github.com/users/$owner/packages/container/$package/settings (an organisation: orgs)."
exit "$failed"
