"""With a stand-in for torch and nvidia-smi: what is said of the card's memory, and what happens when it is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fake_torch
import pytest
from samples import floats, safetensors, write_models
from test_sidecar import Director, running

from vortex.devices import TorchDevice, TorchMemory
from vortex.tensors import DTYPES, tensor_of_bytes

MIB = 1024 * 1024
CONTEXT = 477 * MIB


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One card: the first answer of its nvidia-smi is from before the context, the others from after it."""
    place = tmp_path / "card"
    place.mkdir()
    (place / "torch.py").write_text(Path(fake_torch.__file__).read_text())
    smi = place / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\ntest -e {place}/asked && echo 577 || echo 100\n: > {place}/asked\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(place))
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    return place


# NF4 as bitsandbytes writes it: two numbers a byte, and what is needed to unpack them beside it.
NF4 = {
    "w.weight": ("U8", [1_500_000, 1], bytes(1_500_000)),
    "w.weight.absmax": ("F32", [46_875], floats(46_875)),
    "w.weight.quant_map": ("F32", [16], floats(16)),
}
PACKED = sum(len(data) for _, _, data in NF4.values())


@pytest.mark.usefixtures("card")
def test_the_card_and_pytorch_each_have_their_figure_and_nf4_stays_packed(tmp_path: Path, folder: Path) -> None:
    models = write_models(tmp_path / "models", {"flux-schnell-nf4": {"model.safetensors": safetensors(NF4)}})
    director = Director(models, folder)
    for _ in running(director):
        loaded, ready = director.until("ready")[1:]
        # 3,000,000 numbers and their scales take what they take in the file; unpacked, the numbers would be 12 MB.
        figures = {
            "vram_bytes": CONTEXT + fake_torch.BLOCK,
            "torch": {"allocated_bytes": PACKED, "reserved_bytes": fake_torch.BLOCK},
        }
        assert loaded == {"event": "loaded", "model": "Flux-Schnell", **figures}
        assert ready == {"event": "ready", "device": "cuda:0", "models": ["Flux-Schnell"], **figures}
        director.send({"id": 1, "method": "status"})
        assert director.next()["result"] == {"device": "cuda:0", "models": ["Flux-Schnell"], **figures}
        director.close()
        out, _ = director.process.communicate(timeout=10)
        assert out.splitlines()[-2:] == [
            "All models loaded. VRAM: 0.5 GB",
            "VRAM by PyTorch: 0.0 GB allocated, 0.0 GB reserved",
        ]


@pytest.mark.usefixtures("card")
def test_a_model_that_does_not_fit_is_named_with_its_file_and_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_FULL_AT", "1500100")
    models = write_models(tmp_path / "models", {"flux-schnell-nf4": {"model.safetensors": safetensors(NF4)}})
    command = [sys.executable, "-m", "vortex", "--models-path", str(models), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == (
        "vortex: Flux-Schnell: model.safetensors: tensor w.weight.absmax does not fit on cuda:0: "
        "CUDA out of memory. Tried to allocate 187500 bytes.\n"
    )


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("dtype", ["U8", "U4", "I4", "F4", "F6_E2M3"])
def test_what_is_narrower_than_a_byte_is_placed_as_it_lies_in_the_file(dtype: str) -> None:
    kind = DTYPES[dtype]
    data = bytes(range(240)) * kind.bits
    placed = TorchDevice(fake_torch, "cuda:0").place(tensor_of_bytes("w", kind, [1920], memoryview(data)))
    assert placed.data.data.tobytes() == data
    assert (placed.dtype.name, placed.shape) == (dtype, (1920,))


def test_a_device_without_a_gpu_has_no_figure_of_pytorch() -> None:
    assert TorchDevice(fake_torch, "cpu").torch_memory() is None
    assert TorchDevice(fake_torch, "cuda:0").torch_memory() == TorchMemory(fake_torch.allocated, fake_torch.reserved())
