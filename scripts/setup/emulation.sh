#!/usr/bin/env bash
# Lets this machine run programs of the other platform (arm64 on amd64, amd64 on arm64), in containers too: QEMU by the kernel's
# binfmt_misc, flag F (opened once).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
handlers=/proc/sys/fs/binfmt_misc

case "$(uname -m)" in
aarch64) foreign=amd64 handler=qemu-x86_64 ;;
*) foreign=arm64 handler=qemu-aarch64 ;;
esac
[[ -e $handlers/$handler ]] && exit 0
"$SETUP/debian.sh" qemu-user-static binfmt-support
[[ -e $handlers/register ]] || mount -t binfmt_misc binfmt_misc "$handlers" ||
  die "binfmt_misc cannot be mounted at $handlers: this kernel or container has no emulation of foreign programs"
[[ -e $handlers/$handler ]] || quietly update-binfmts --enable "$handler" || true
[[ -e $handlers/$handler ]] || die "update-binfmts --enable $handler left no handler in $handlers"
grep -q '^flags: .*F' "$handlers/$handler" ||
  die "the $foreign handler in $handlers has no flag F, so containers would not find QEMU: install qemu-user-static"
