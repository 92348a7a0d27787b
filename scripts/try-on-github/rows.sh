# shellcheck shell=bash disable=SC2154
# Sourced by scripts/try-on-github.sh: one function a row, which runs something and says what GitHub's documentation says of it.

# judge NAME EXPECTED SEEN: compares, and keeps what was seen.
judge() { if [[ $3 == "$2" ]]; then row "$1" as-documented "$3"; else row "$1" differs "seen: $3; documented: $2"; fi; }

newest() { gh run list --repo "$scratch" --workflow "$1" --limit 1 --json databaseId --jq '.[].databaseId'; }
# start WORKFLOW INPUT…: starts a run, and sets `run` to its number when GitHub shows it.
start() {
  local before workflow=$1 tries
  shift
  before="$(newest "$workflow" 2>/dev/null || true)"
  gh workflow run "$workflow" --repo "$scratch" "$@" >/dev/null || return
  for ((tries = 0; tries < 30; tries++)); do
    run="$(newest "$workflow")"
    [[ -z $run || $run == "$before" ]] || return 0
    sleep "$seconds"
  done
  die "GitHub shows no run of $workflow after it was started"
}
conclusion() {
  gh run watch "$1" --repo "$scratch" --compact --interval "$((seconds > 0 ? seconds : 1))" >/dev/null 2>&1 || true
  gh run view "$1" --repo "$scratch" --json conclusion --jq .conclusion
}

try_permissions() {
  local said
  if said="$(start try-lacking.yml 2>&1 && printf 'run %s' "$(newest try-lacking.yml)")"; then
    judge permissions startup_failure "$(conclusion "${said##*run }")"
  else
    case $said in
    *"is requesting"*) row permissions as-documented "$said" ;;
    *) row permissions differs "$said" ;;
    esac
  fi
}
try_publish() { start try-publish.yml && judge publish success "$(conclusion "$run")"; }
try_arm64() {
  judge arm64 ubuntu-24.04-arm "$(gh api "repos/$scratch/actions/runs/$(newest try-publish.yml)/jobs" \
    --jq '[.jobs[] | select(.name | endswith("build linux/arm64")) | .labels[]] | join(",")')"
}
versions() {
  gh api "users/$owner/packages/container/$package/versions" --jq '[.[].metadata.container.tags[]] | join(" ")' 2>/dev/null ||
    gh api "orgs/$owner/packages/container/$package/versions" --jq '[.[].metadata.container.tags[]] | join(" ")'
}
try_ghcr() {
  local tags
  tags="$(versions)"
  if [[ " $tags " == *" main "* && $tags == *sha256-* ]]; then row ghcr as-documented "$tags"; else row ghcr differs "tags: $tags"; fi
}
try_attestation() {
  local said
  if said="$(gh attestation verify "oci://$image:main" --owner "$owner" --bundle-from-oci \
    --signer-workflow "$source/.github/workflows/director-image.yml" 2>&1)"; then
    row attestation as-documented "gh attestation verify accepts it"
  else
    row attestation differs "$said"
  fi
}
try_code-scanning() {
  local count
  count="$(gh api "repos/$scratch/code-scanning/analyses" --jq length)"
  if ((count > 0)); then row code-scanning as-documented "$count analyses"; else row code-scanning differs "no analysis"; fi
}
try_queue() {
  local first
  start try-publish.yml
  first=$run
  start try-publish.yml
  judge queue "success success" "$(conclusion "$first") $(conclusion "$run")"
}
try_environment() {
  local id tries status=''
  ask "Create the environment 'try' in $scratch, with you as its reviewer?"
  gh api --method PUT "repos/$scratch/environments/try" --input - --silent \
    <<<"{\"reviewers\":[{\"type\":\"User\",\"id\":$(gh api user --jq .id)}]}"
  start try-publish.yml -f environment=try
  for ((tries = 0; tries < 180; tries++)); do
    status="$(gh run view "$run" --repo "$scratch" --json status --jq .status)"
    [[ $status == waiting || $status == completed ]] && break
    sleep "$seconds"
  done
  judge environment waiting "$status"
  [[ $status == waiting ]] || return 0
  id="$(gh api "repos/$scratch/actions/runs/$run/pending_deployments" --jq '.[0].environment.id')"
  gh api --method POST "repos/$scratch/actions/runs/$run/pending_deployments" --silent --input - \
    <<<"{\"environment_ids\":[$id],\"state\":\"approved\",\"comment\":\"try-on-github\"}"
  judge "environment, approved" success "$(conclusion "$run")"
}
try_rebuild() { start try-publish.yml -f rebuild=true && judge rebuild success "$(conclusion "$run")"; }
try_pull-request() {
  local branch sha before="" tries number=''
  branch="try-$(date -u +%s)"
  ask "Open a pull request in $scratch from a branch $branch?"
  before="$(versions)"
  sha="$(gh api "repos/$scratch/commits/HEAD" --jq .sha)"
  gh api "repos/$scratch/git/refs" -f "ref=refs/heads/$branch" -f "sha=$sha" --silent
  printf 'FROM docker.io/library/alpine:3 AS runtime\nUSER 1000\nLABEL try=%s\n' "$branch" | put Dockerfile.director "$branch"
  gh pr create --repo "$scratch" --head "$branch" --title "Try a pull request" --body "Made by scripts/try-on-github.sh" >/dev/null
  for ((tries = 0; tries < 30; tries++)); do
    number="$(gh run list --repo "$scratch" --workflow try-check.yml --branch "$branch" --limit 1 --json databaseId --jq '.[].databaseId')"
    [[ -z $number ]] || break
    sleep "$seconds"
  done
  [[ -n $number ]] || { row pull-request differs "no run"; return; }
  judge pull-request success "$(conclusion "$number")"
  judge "pull-request, published" "$before" "$(versions)"
}
try_release() {
  local tag
  tag="$(gh release list --repo "$source" --limit 1 --exclude-pre-releases --json tagName --jq '.[].tagName')"
  judge release true "$(gh api "repos/$source/releases/tags/$tag" --jq .immutable)"
  judge "release, v1" "$(gh api "repos/$source/commits/$tag" --jq .sha)" "$(gh api "repos/$source/commits/${tag%%.*}" --jq .sha)"
}
try_ci() {
  judge ci success "$(gh run list --repo "$source" --workflow ci.yml --event push --limit 1 --json conclusion --jq '.[].conclusion')"
}
try_dependabot() {
  local count
  count="$(gh pr list --repo "$source" --app dependabot --state all --json number --jq length)"
  if ((count > 0)); then row dependabot as-documented "$count pull requests"; else row dependabot differs "none yet; Insights → Dependency graph → Dependabot says why"; fi
}
