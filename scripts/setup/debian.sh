#!/usr/bin/env bash
# Debian packages that the development machine needs. `debian.sh PACKAGE…` installs those that are missing;
# `debian.sh --sources SUITE` prints the machine's own package source with its suites replaced by SUITE.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

apt_options=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)

# The first stanza of the machine's own sources (its main archive), for another suite. Deb822 or one-line form.
sources() {
  local suite=$1 stanza
  stanza="$(awk 'BEGIN { RS = "" } /(^|\n)URIs:/ && /Suites: *[a-z]+( |\n|$)/ && !/security/ { print; exit }' \
    /etc/apt/sources.list.d/*.sources 2>/dev/null || true)"
  if [[ -n $stanza ]]; then
    sed -e '/^#/d' -e "s/^Suites:.*/Suites: $suite/" -e 's/^Components:.*/Components: main/' <<<"$stanza"
    return
  fi
  [[ -f /etc/apt/sources.list ]] || return 1
  awk -v suite="$suite" '$1 == "deb" && !/security/ { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) {
    print "Types: deb\nURIs: " $i "\nSuites: " suite "\nComponents: main"
    print "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"; exit } }' /etc/apt/sources.list | grep .
}

missing() {
  local package
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || printf '%s\n' "$package"
  done
}

if [[ ${1-} == --sources ]]; then
  sources "$2" || die "no Debian package source found in /etc/apt: this script knows Debian's own layouts only"
  exit
fi

command -v dpkg-query >/dev/null || die "this machine has no dpkg: set-up is for Debian 12; install by hand: $*"
mapfile -t wanted < <(missing "$@")
[[ ${#wanted[@]} -gt 0 ]] || exit 0
[[ $EUID -eq 0 ]] || die "Debian packages are missing (${wanted[*]}) and only root can install them: apt-get install ${wanted[*]}"
note "Installing Debian packages: ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
quietly apt-get "${apt_options[@]}" update ||
  die "apt-get update failed (its output is above): are this machine's package sources reachable?"
quietly apt-get "${apt_options[@]}" install -y --no-install-recommends "${wanted[@]}" ||
  die "apt-get install failed for: ${wanted[*]} (its output is above)"
