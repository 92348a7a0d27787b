"""With torch installed: the same tensors as torch's own reader gives, and the same digests as without it."""

from __future__ import annotations

import mmap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from vortex.devices import Device, HostDevice, TorchDevice, pick_device
from vortex.formats import read_tensors
from vortex.loader import Progress, load_models
from vortex.lock import read_lock
from vortex.mapping import MappedFile
from vortex.slots import generate_slot

torch: Any = pytest.importorskip("torch")


def no_external(location: str) -> memoryview:
    raise AssertionError(location)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_torch_saves_is_read_as_torch_reads_it(tmp_path: Path, zipped: bool) -> None:
    shared = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    saved = {
        "state": torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5)).state_dict(),
        "parameter": torch.nn.Parameter(torch.randn(2, 3)),
        "views": [shared, shared.t(), shared[1:, 2:4], shared[0, 0]],
        "types": {
            str(dtype): torch.ones(3).to(dtype) for dtype in (torch.float16, torch.bfloat16, torch.int64, torch.bool)
        },
        "empty": torch.zeros(0, 4),
        "step": 7,
        "shape": torch.Size([1, 2]),
    }
    if zipped:
        saved["unsigned"] = torch.ones(3).to(torch.uint16)
    path = tmp_path / "saved.pth"
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    with path.open("rb") as opened:
        mapped = MappedFile(opened.fileno(), 0, access=mmap.ACCESS_COPY)
    device = TorchDevice(torch, "cpu")
    read = {tensor.name: device.place(tensor).data for tensor in read_tensors("saved.pth", mapped, no_external)}
    expected = dict(flat(torch.load(path, weights_only=True), ""))
    assert read.keys() == expected.keys()
    for name, tensor in expected.items():
        assert read[name].dtype == tensor.dtype, name
        assert torch.equal(read[name], tensor.detach()), name


def flat(value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pair for key, item in items for pair in flat(item, f"{name}.{key}" if name else str(key))]


def digest(root: Path, device: Device) -> str:
    silent = Progress(lambda *_: None, lambda _: None)
    loaded = load_models(read_lock(root), root, device, silent, threading.Event())
    return generate_slot(7, "a recipe", loaded, device, time.monotonic() + 60, threading.Event())


def test_a_digest_is_the_same_through_numpy_and_torch(models: Path) -> None:
    assert digest(models, TorchDevice(torch, "cpu")) == digest(models, HostDevice())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_digest_is_the_same_on_the_gpu_whose_memory_is_counted(models: Path) -> None:
    device = pick_device()
    assert device.name == "cuda:0"
    assert digest(models, device) == digest(models, HostDevice())
    memory = device.torch_memory()
    assert memory is not None
    assert 0 < memory.allocated <= memory.reserved <= device.vram_bytes()
