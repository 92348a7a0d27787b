"""Which device is taken, and how the card's memory is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vortex.devices import card_used_bytes, pick_device


def test_without_a_gpu_the_tensors_live_in_host_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    device = pick_device()
    assert (device.name, device.vram_bytes()) == ("cpu", 0)


@pytest.mark.parametrize(
    ("program", "used"),
    [
        ('test "$1" = --id=2 && echo 431', 431 * 1024 * 1024),
        ("echo '[N/A]'", 0),
        ("echo 'Failed to initialize NVML' >&2; exit 9", 0),
        (None, 0),
    ],
    ids=["a figure", "MIG", "no driver", "no nvidia-smi"],
)
def test_the_cards_memory_is_what_nvidia_smi_says_of_the_first_visible_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, used: int
) -> None:
    if program is not None:
        smi = tmp_path / "nvidia-smi"
        smi.write_text(f"#!/bin/sh\n{program}\n")
        smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert card_used_bytes() == used
