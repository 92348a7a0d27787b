"""The fixtures: a folder of sample models, and a bench for download_models.py with its sources."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from samples import sample_folder, write_models
from sources import Source


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the samples and their lock."""
    return write_models(tmp_path, sample_folder())


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vx") as name:  # a socket's path must be short
        yield Path(name)


SCRIPT = Path(__file__).parents[1] / "scripts" / "download_models.py"
WEIGHTS = random.Random(1).randbytes(3_000_000)
CONFIG = b'{"hidden_size": 8}'
REVISION = "a" * 40
ON_HUB = f"/nsn/clip/resolve/{REVISION}/model.safetensors"


def entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@dataclass
class Bench:
    """One folder to fill, one lock, and the hub's address."""

    folder: Path
    hub: str
    lock: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.folder / "models"

    @property
    def model(self) -> dict[str, Any]:
        first: dict[str, Any] = self.lock["models"][0]
        return first

    @property
    def weights(self) -> Path:
        return self.output / "clip" / "model.safetensors"

    @property
    def part(self) -> Path:
        return self.output / "clip" / f"model.safetensors.{hashlib.sha256(WEIGHTS).hexdigest()[:12]}.download.part"

    def start(self, *flags: str) -> subprocess.Popen[str]:
        lock = self.folder / "lock.json"
        lock.write_text(json.dumps(self.lock))
        command = [sys.executable, str(SCRIPT), "--output", str(self.output), "--lock", str(lock), *flags]
        clean = {"PATH": os.environ["PATH"], "HF_ENDPOINT": self.hub, **self.environment}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)

    def run(self, *flags: str) -> tuple[int, str, str]:
        with self.start("--backoff", "0.01", *flags) as process:
            out, err = process.communicate(timeout=60)
            return process.returncode, out, err


@pytest.fixture
def hub() -> Iterator[Source]:
    with Source({ON_HUB: WEIGHTS, f"/nsn/clip/resolve/{REVISION}/config.json": CONFIG}) as source:
        yield source


@pytest.fixture
def mirror() -> Iterator[Source]:
    with Source({"/cdn/model.safetensors": WEIGHTS, "/cdn/config.json": CONFIG}) as source:
        yield source


@pytest.fixture
def bench(tmp_path: Path, hub: Source) -> Bench:
    files = [entry("model.safetensors", WEIGHTS), entry("config.json", CONFIG)]
    source = {"huggingface": "nsn/clip", "revision": REVISION}
    model = {"name": "clip", "title": "CLIP", "delivery": "bake", "license": "mit", "source": source, "files": files}
    return Bench(tmp_path, hub.url, {"version": 1, "root": "/models", "models": [model]})
