"""A stand-in for torch with one GPU of 80 GB: every byte that is put there is counted, and so is a context of 500 MB.

`CUDA_FULL_AT` makes it run out of memory at that many bytes.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np

TOTAL = 80_000_000_000
CONTEXT = 500_000_000
BLOCK = 2_000_000
"""The allocator takes memory from the driver by blocks of so many bytes."""

allocated = 0


class OutOfMemoryError(RuntimeError):
    pass


class OnDevice:
    """Bytes on the card; of torch's tensors only what Vortex asks of them."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def to(self, device: str, copy: bool) -> OnDevice:
        global allocated
        if allocated + self.data.nbytes > int(os.environ.get("CUDA_FULL_AT", TOTAL)):
            raise OutOfMemoryError(f"CUDA out of memory. Tried to allocate {self.data.nbytes} bytes.\nGPU 0 has …")
        allocated += self.data.nbytes
        return OnDevice(np.array(self.data, copy=copy))


def from_numpy(data: Any) -> OnDevice:
    return OnDevice(data)


def zeros(count: int, device: str) -> OnDevice:
    return OnDevice(np.zeros(count, np.float32))


def reserved() -> int:
    return -(-allocated // BLOCK) * BLOCK


cuda = SimpleNamespace(
    OutOfMemoryError=OutOfMemoryError,
    is_available=lambda: True,
    mem_get_info=lambda _device: (TOTAL - CONTEXT - reserved(), TOTAL),
    memory_allocated=lambda _device: allocated,
    memory_reserved=lambda _device: reserved(),
)
