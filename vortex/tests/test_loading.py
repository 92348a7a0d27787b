"""`python3 -m vortex --check` over whole folders: what is loaded, and what stops the start by name."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from samples import Folder, encrypted, floats, safetensors, sample_folder, torch_zip, view, write_models

from vortex.devices import HostDevice, Placed
from vortex.errors import DeadlineExceeded, ModelError, Stopped
from vortex.loader import LoadedModel, Progress, load_models
from vortex.lock import read_lock
from vortex.slots import generate_slot
from vortex.tensors import Tensor

FLUX = "flux-schnell-nf4"


def check(root: Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "vortex", "--models-path", str(root), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def load(root: Path) -> list[LoadedModel]:
    silent = Progress(lambda *_: None, lambda _: None)
    return load_models(read_lock(root), root, HostDevice(), silent, threading.Event())


def test_every_model_is_loaded_in_lock_order_and_said_in_the_fixed_words(models: Path) -> None:
    assert check(models) == (
        0,
        "Loading Flux-Schnell...\nLoading LivePortrait...\nLoading CLIP-ViT-B-32...\nAll models loaded. VRAM: 0.0 GB\n",
        "",
    )


def test_a_lock_without_models_is_fine(tmp_path: Path) -> None:
    assert check(write_models(tmp_path, {})) == (0, "All models loaded. VRAM: 0.0 GB\n", "")


def test_every_tensor_is_held_with_its_type_and_shape(models: Path) -> None:
    held = {model.title: {t.name: (t.dtype.name, t.shape) for t in model.tensors} for model in load(models)}
    assert held == {
        "Flux-Schnell": {"a.weight": ("U8", (64, 1)), "a.absmax": ("F32", (2,)), "b.weight": ("BF16", (4, 8))},
        "LivePortrait": {"net.w": ("F32", (3, 4))},
        "CLIP-ViT-B-32": {"raw": ("F32", (2, 2)), "far": ("F32", (4,))},
    }


def test_tensors_are_copies_that_outlive_their_files(models: Path) -> None:
    loaded = load(models)
    for path in models.rglob("*.pth"):
        path.unlink()
    assert loaded[1].tensors[0].data.tobytes() == floats(12, 3)


@pytest.mark.parametrize("path", ["model-1.safetensors", "model-2.safetensors", "config.json"])
def test_a_flipped_byte_anywhere_stops_the_start(models: Path, path: str) -> None:
    file = models / FLUX / path
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    code, out, err = check(models)
    assert code == 1
    assert err.startswith(f"vortex: Flux-Schnell: {path}: sha256 ")
    assert err.count("\n") == 1
    assert "All models loaded" not in out


def without(folder: Folder, path: str) -> Folder:
    del folder[FLUX][path]
    return folder


def with_file(path: str, data: bytes) -> Folder:
    folder = sample_folder()
    name, place = path.split("/", 1)
    folder[name][place] = data
    return folder


def safetensors_of(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header


DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NET = torch_zip({"w": view("0", 12, (3, 4), (4, 1))}, {"0": floats(12)})
ONE_OF_TWO = safetensors({"other": ("U8", [1], b"x")})


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (
            with_file(f"{FLUX}/model-2.safetensors", ONE_OF_TWO),
            "Flux-Schnell: model-2.safetensors: tensor b.weight is missing (named in model.safetensors.index.json)",
        ),
        (
            without(sample_folder(), "model-2.safetensors"),
            "Flux-Schnell: model.safetensors.index.json: it names model-2.safetensors, which is missing from the lock",
        ),
        (
            with_file(f"{FLUX}/model-1.safetensors", safetensors({"a.weight": ("F99", [4], b"abcd")})),
            "Flux-Schnell: model-1.safetensors: tensor a.weight: type 'F99' does not exist",
        ),
        (
            with_file(
                "live-portrait-fp16/base/net.pth", torch_zip({"w": view("0", 3, (3, 4), (4, 1))}, {"0": b"1" * 12})
            ),
            "LivePortrait: base/net.pth: tensor w: shape (3, 4) reaches beyond its storage of 12 bytes",
        ),
        (
            {"clip-vit-b-32": {"model.onnx": sample_folder()["clip-vit-b-32"]["model.onnx"]}},
            "CLIP-ViT-B-32: model.onnx: external data 'weights.data' is not among the model's files in the lock",
        ),
        ({"kokoro-82m": {"config.json": b"{}"}}, "kokoro-82m: none of its 1 files holds a tensor"),
        (with_file(f"{FLUX}/model.safetensors.index.json", b"{"), "no shard index"),
        (
            with_file(f"{FLUX}/model.safetensors.index.json", DEEP),
            "Flux-Schnell: model.safetensors.index.json: no shard index: maximum recursion",
        ),
        (
            with_file(f"{FLUX}/model-1.safetensors", safetensors({"a": ("F32", [1] * 65, b"1234")})),
            "Flux-Schnell: model-1.safetensors: tensor a: a shape of 65 dimensions cannot be held",
        ),
        (
            with_file(f"{FLUX}/model-1.safetensors", safetensors({"a": ("F32", [0, 10**30], b"")})),
            "Flux-Schnell: model-1.safetensors: tensor a: a shape of 2 dimensions cannot be held",
        ),
        (
            with_file(f"{FLUX}/model-1.safetensors", safetensors_of(DEEP)),
            "Flux-Schnell: model-1.safetensors: the file is malformed: RecursionError: ",
        ),
        (
            with_file("live-portrait-fp16/base/net.pth", encrypted(NET, "archive/data.pkl")),
            "LivePortrait: base/net.pth: the file is malformed: RuntimeError: ",
        ),
    ],
    ids=[
        "tensor",
        "shard",
        "type",
        "shape",
        "external data",
        "no tensors",
        "index",
        "deep index",
        "65 dimensions",
        "a dimension of 10^30",
        "deep header",
        "encrypted",
    ],
)
def test_wrong_contents_stop_the_start_though_their_hashes_fit(tmp_path: Path, folder: Folder, message: str) -> None:
    code, _, err = check(write_models(tmp_path, folder))
    assert code == 1
    assert message in err
    assert err.count("\n") == 1


def test_a_missing_and_a_truncated_file_are_named(models: Path) -> None:
    file = models / FLUX / "model-1.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:-7])
    wanted = f"vortex: Flux-Schnell: model-1.safetensors: {len(data) - 7} bytes, the lock says {len(data)}\n"
    assert check(models)[2] == wanted
    file.unlink()
    assert check(models) == (
        1,
        "Loading Flux-Schnell...\n",
        f"vortex: Flux-Schnell: model-1.safetensors is missing (looked for {file})\n",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing: fill the folder"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"version": 2, "models": []}', "version 2, this sidecar reads version 1"),
        ('{"version": 1, "models": [{"name": "../etc", "files": []}]}', "'../etc' leaves the models' folder"),
        ('{"version": 1, "models": [{"name": "a", "files": [{"path": "/etc/passwd"}]}]}', "leaves the models' folder"),
        ('{"version": 1, "models": [{"name": "a"}]}', "is not a models lock: KeyError: 'files'"),
        ('{"version": 1, "models": [{"name":"a","files":[{"path":"p","size":1,"sha256":"x"}]}]}', "is no sha256"),
    ],
)
def test_a_lock_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "models.lock.json").write_text(content)
    code, _, err = check(tmp_path)
    assert code == 1
    assert message in err


class FullDevice(HostDevice):
    """As a device whose driver fails in a way of its own."""

    def place(self, tensor: Tensor) -> Placed:
        raise RuntimeError("CUDA error: unspecified launch failure")


def test_a_tensor_that_a_device_does_not_take_is_named_with_its_file(models: Path) -> None:
    silent = Progress(lambda *_: None, lambda _: None)
    wanted = "Flux-Schnell: model-1.safetensors: tensor a.weight cannot be placed on cpu: RuntimeError: CUDA error"
    with pytest.raises(ModelError, match=wanted):
        load_models(read_lock(models), models, FullDevice(), silent, threading.Event())


def work(loaded: list[LoadedModel], slot: int = 7, recipe: str = "a recipe", seconds: float = 60) -> str:
    return generate_slot(slot, recipe, loaded, HostDevice(), time.monotonic() + seconds, threading.Event())


def test_a_slots_digest_depends_on_slot_recipe_and_weights_and_nothing_else(models: Path) -> None:
    loaded = load(models)
    digest = work(loaded)
    assert work(load(models)) == digest
    lock = json.loads((models / "models.lock.json").read_text())
    changed = sample_folder()
    changed["live-portrait-fp16"]["base/net.pth"] = torch_zip(
        {"w": view("0", 12, (3, 4), (4, 1))}, {"0": floats(12, 4)}
    )
    write_models(models, changed)
    assert json.loads((models / "models.lock.json").read_text()) != lock
    others = {work(loaded, slot=8), work(loaded, recipe="another"), work(load(models))}
    assert len(others | {digest}) == 4


def test_a_slot_gives_up_at_its_deadline_and_when_the_process_ends(models: Path) -> None:
    loaded = load(models)
    with pytest.raises(DeadlineExceeded):
        work(loaded, seconds=0)
    ended = threading.Event()
    ended.set()
    with pytest.raises(Stopped):
        generate_slot(1, "", loaded, HostDevice(), time.monotonic() + 60, ended)
