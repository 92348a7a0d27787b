"""Where tensors live: host memory through numpy, or a GPU through PyTorch."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vortex.errors import ModelError
from vortex.tensors import Array, Dtype, Tensor, contiguous_bytes

MIX = 256
"""Side of the square matrices that `Device.mix` multiplies."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor on its device: `data` is the device's own array of the tensor's type and shape."""

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    data: Any


@dataclass(frozen=True, slots=True)
class TorchMemory:
    """Bytes by PyTorch's own allocator: in tensors, and taken from the driver for them."""

    allocated: int
    reserved: int


class Device(Protocol):
    name: str

    def place(self, tensor: Tensor) -> Placed: ...

    def vram_bytes(self) -> int:
        """Bytes of the GPU's memory that this process takes, as the driver counts; 0 without a GPU."""

    def torch_memory(self) -> TorchMemory | None:
        """PyTorch's figures, which lack the context and what other libraries take; None without a GPU."""

    def mix(self, placed: Placed, start: int, state: Array) -> Array:
        """One multiplication of MIX x MIX numbers below 16 from the tensor, begun at byte `start`, with `state`.

        Sums stay below 2^24, so float32 is exact and every device gives the same digits.
        """


class HostDevice:
    name = "cpu"

    def place(self, tensor: Tensor) -> Placed:
        return Placed(tensor.name, tensor.dtype, tensor.shape, np.array(tensor.array, order="C"))

    def vram_bytes(self) -> int:
        return 0

    def torch_memory(self) -> None:
        return None

    def mix(self, placed: Placed, start: int, state: Array) -> Array:
        flat = contiguous_bytes(placed.data)
        digits = flat[np.arange(start, start + MIX * MIX) % flat.size] & 15
        product = digits.reshape(MIX, MIX).astype(np.float32) @ state.astype(np.float32)
        return np.asarray(np.fmod(product + state, 16), dtype=np.uint8)


class TorchDevice:
    def __init__(self, torch: Any, name: str) -> None:
        self.name = name
        self._torch = torch
        self._context_bytes = 0
        self._free_at_start = 0
        if name.startswith("cuda"):
            before = card_used_bytes()
            torch.zeros(1, device=name)
            self._free_at_start = torch.cuda.mem_get_info(name)[0]
            self._context_bytes = max(0, card_used_bytes() - before)

    def place(self, tensor: Tensor) -> Placed:
        torch = self._torch
        try:
            flat = torch.from_numpy(contiguous_bytes(tensor.array)).to(self.name, copy=True)
        except torch.cuda.OutOfMemoryError as error:
            raise ModelError(
                f"tensor {tensor.name} does not fit on {self.name}: {str(error).splitlines()[0]}"
            ) from error
        dtype = getattr(torch, tensor.dtype.torch, None) if tensor.dtype.torch else None
        data = flat if dtype is None else flat.view(dtype).reshape(tensor.shape)
        return Placed(tensor.name, tensor.dtype, tensor.shape, data)

    def vram_bytes(self) -> int:
        """What the context took, by nvidia-smi, and what the driver says has gone since.

        The driver counts the card: memory that another process takes or frees meanwhile counts, too.
        """
        if not self._free_at_start:
            return 0
        return int(self._context_bytes + max(0, self._free_at_start - self._torch.cuda.mem_get_info(self.name)[0]))

    def torch_memory(self) -> TorchMemory | None:
        if not self.name.startswith("cuda"):
            return None
        cuda = self._torch.cuda
        return TorchMemory(int(cuda.memory_allocated(self.name)), int(cuda.memory_reserved(self.name)))

    def mix(self, placed: Placed, start: int, state: Array) -> Array:
        torch = self._torch
        flat = placed.data.reshape(-1).view(torch.uint8)
        places = torch.arange(start, start + MIX * MIX, device=self.name) % flat.numel()
        digits = (flat[places] & 15).reshape(MIX, MIX).to(torch.float32)
        on_device = torch.from_numpy(state).to(self.name, torch.float32)
        mixed = torch.fmod(digits @ on_device + on_device, 16).to(torch.uint8)
        return np.asarray(mixed.cpu().numpy(), dtype=np.uint8)


def pick_device() -> Device:
    """The first GPU where torch is installed and sees one, else host memory."""
    if importlib.util.find_spec("torch") is None:
        return HostDevice()
    # cuda:0 is then the card that nvidia-smi counts first, too.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    import torch

    return TorchDevice(torch, "cuda:0") if torch.cuda.is_available() else HostDevice()


def card_used_bytes() -> int:
    """Memory in use on the visible GPU, by nvidia-smi; 0 where it cannot be asked (then the context goes uncounted)."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return 0
    card = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0] or "0"
    command = [smi, f"--id={card}", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        return int(answer.stdout.strip()) * 1024 * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0
