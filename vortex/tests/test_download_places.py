"""download_models.py and where it is, what it asks, and what a server calls its bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CONFIG, ON_HUB, SCRIPT, WEIGHTS, Bench, entry
from sources import Source, instead


def test_the_program_runs_from_any_place(bench: Bench) -> None:
    """A file in a folder of the root has no two folders above it."""
    lock = bench.folder / "lock.json"
    lock.write_text(json.dumps(bench.lock))
    copy = Path("/tmp") / f"download-{bench.folder.name}.py"
    shutil.copy(SCRIPT, copy)
    try:
        for flags in (["--lock", str(lock)], []):
            done = subprocess.run(
                [sys.executable, str(copy), "--output", str(bench.output), *flags],
                capture_output=True,
                text=True,
                cwd=bench.folder,
                env={"HF_ENDPOINT": bench.hub},
            )
            assert (done.returncode, done.stderr) == (0, "")
    finally:
        copy.unlink()


def test_right_bytes_are_taken_whatever_the_server_calls_them(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [instead(WEIGHTS, "text/html; charset=utf-8")]
    code, _, err = bench.run()
    assert (code, err) == (0, "")
    assert bench.weights.read_bytes() == WEIGHTS


def test_a_page_that_the_lock_allows_is_taken(bench: Bench, hub: Source) -> None:
    page = b"<!doctype html><title>Licence</title>"
    hub.files[ON_HUB.replace("model.safetensors", "licence.html")] = page
    bench.model["files"].append({**entry("licence.html", page), "allow": "the licence"})
    assert bench.run()[0] == 0
    assert (bench.output / "clip" / "licence.html").read_bytes() == page


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1.2.3", "localhost"])
def test_plain_http_is_taken_from_this_machine_by_any_name_of_it(bench: Bench, host: str) -> None:
    with Source({"/cdn/model.safetensors": WEIGHTS, "/cdn/config.json": CONFIG}, host) as source:
        bench.model["source"] = {"url": f"{source.url}/cdn/"}
        assert bench.run()[0] == 0
    assert bench.weights.read_bytes() == WEIGHTS
