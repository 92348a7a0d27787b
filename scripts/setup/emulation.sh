#!/usr/bin/env bash
# Lets this machine run arm64 programs, in containers too: QEMU by the kernel's binfmt_misc, flag F (opened once).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
handlers=/proc/sys/fs/binfmt_misc

[[ "$(uname -m)" == aarch64 || -e $handlers/qemu-aarch64 ]] && exit 0
"$SETUP/debian.sh" qemu-user-static binfmt-support
[[ -e $handlers/register ]] || mount -t binfmt_misc binfmt_misc "$handlers" ||
  die "binfmt_misc cannot be mounted at $handlers: this kernel or container has no emulation of foreign programs"
[[ -e $handlers/qemu-aarch64 ]] || quietly update-binfmts --enable qemu-aarch64 || true
[[ -e $handlers/qemu-aarch64 ]] || die "update-binfmts --enable qemu-aarch64 left no handler in $handlers"
grep -q '^flags: .*F' "$handlers/qemu-aarch64" ||
  die "the arm64 handler in $handlers has no flag F, so containers would not find QEMU: install qemu-user-static"
