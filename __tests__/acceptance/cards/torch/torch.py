"""Stands in for PyTorch where the check `gpu` asks for it; the sidecar, which is no `python3 -c`, finds no GPU in it."""

import os
import sys


class version:  # noqa: N801
    cuda = os.environ.get("FAKE_TORCH_CUDA", "12.6")


class cuda:  # noqa: N801
    @staticmethod
    def is_available() -> bool:
        return sys.argv[0] == "-c"

    @staticmethod
    def device_count() -> int:
        return int(os.environ.get("FAKE_TORCH_CARDS", "1"))
