#!/usr/bin/env bash
# Publishes a release and moves the tags of its major and minor version. See --help; release.yml runs it, and it can be run again.
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/release.sh v1.2.3 [--tags-only] <NOTES

Makes a draft of the release with the notes from standard input, publishes it, checks that GitHub made it immutable, and then moves
v1 and v1.2 to its commit, all or none. A tag that a newer release holds stays (v1.2.4 after v1.3.0 moves v1.2 alone), and a
pre-release (v1.2.3-rc.1) moves none. What an earlier try has done is left as it is. Needs gh (GH_TOKEN), and git that may push.

  --tags-only   moves the tags, and makes no release
END
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

tag='' release=true
for argument in "$@"; do
  case $argument in
  -h | --help) usage; exit ;;
  --tags-only) release=false ;;
  -*) usage >&2; exit 2 ;;
  *) [[ -z $tag ]] || { usage >&2; exit 2; }; tag=$argument ;;
  esac
done
[[ $tag =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] ||
  { printf "'%s' is no tag such as v1.2.3 or v1.2.3-rc.1\n" "$tag" >&2; usage >&2; exit 2; }
major="v${BASH_REMATCH[1]}" minor="v${BASH_REMATCH[1]}.${BASH_REMATCH[2]}" pre="${BASH_REMATCH[4]}"

remote_tags="$(git ls-remote --tags origin)" || die "the tags of origin cannot be read"

# The commit behind a tag of origin; nothing where there is no such tag. An annotated tag has a second line, with its commit.
commit_of() { awk -v ref="refs/tags/$1" '$2 == ref && !c { c = $1 } $2 == ref "^{}" { c = $1 } END { print c }' <<<"$remote_tags"; }
# What the tag itself names, which is what git compares when it is moved.
object_of() { awk -v ref="refs/tags/$1" '$2 == ref { print $1 }' <<<"$remote_tags"; }

# The newest full release of origin whose tag begins so, as a version sort has it.
newest() {
  awk '{ sub("refs/tags/", "", $2); print $2 }' <<<"$remote_tags" |
    grep -E "^${1//./\\.}[0-9.]*\$" | grep -E '^v[0-9]+\.[0-9]+\.[0-9]+$' | sort -V | tail -n 1 || true
}

commit="$(commit_of "$tag")"
[[ -n $commit ]] || die "origin has no tag $tag: git push origin $tag"
here="$(git rev-parse HEAD)"
[[ $commit == "$here" ]] || die "the tag $tag is at $commit, and what was checked is $here: the tag was moved; nothing was released"

publish() {
  local latest=true flags=() draft immutable
  [[ -z $pre && $(newest v) == "$tag" ]] || latest=false
  [[ -z $pre ]] || flags+=(--prerelease)
  draft="$(gh release view "$tag" --json isDraft --jq .isDraft 2>/dev/null || true)"
  if [[ -z $draft ]]; then
    gh release create "$tag" --verify-tag --draft --title "$tag" --notes-file - "--latest=$latest" "${flags[@]}"
    draft=true
  fi
  [[ $draft == false ]] || gh release edit "$tag" --draft=false "--latest=$latest"
  immutable="$(gh api "repos/{owner}/{repo}/releases/tags/$tag" --jq .immutable)"
  [[ $immutable == true ]] ||
    die "the release $tag is published but not immutable, so no tag was moved. Turn on Settings → General → Releases → Enable release immutability, delete the release (not the tag), and run this job again"
}

move_tags() {
  local name prefix refs=() leases=()
  if [[ -n $pre ]]; then
    printf '%s is a pre-release: no tag is moved\n' "$tag"
    return
  fi
  for name in "$major" "$minor"; do
    prefix="$(newest "$name.")"
    if [[ $prefix != "$tag" ]]; then
      printf '%s stays: %s is newer than %s\n' "$name" "$prefix" "$tag"
    elif [[ $(commit_of "$name") == "$commit" ]]; then
      printf '%s is there already\n' "$name"
    else
      printf '%s: %s → %s\n' "$name" "$(commit_of "$name")" "$commit"
      refs+=("$commit:refs/tags/$name")
      leases+=("--force-with-lease=refs/tags/$name:$(object_of "$name")")
    fi
  done
  ((${#refs[@]} == 0)) || git push --atomic "${leases[@]}" origin "${refs[@]}"
}

if $release; then publish; fi
move_tags
