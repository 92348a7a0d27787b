"""download_models.py against wrong bytes, wrong locks, wrong places for the token, and a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ON_HUB, REVISION, SCRIPT, WEIGHTS, Bench, entry
from sources import Fault, Source, cut, endless, instead, status


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (instead(bytes(len(WEIGHTS))), 1, "with sha256 "),
        (instead(WEIGHTS + b"more"), 1, "sends 3000004 bytes, the lock says 3000000 bytes"),
        (instead(WEIGHTS[:-1]), 1, "sends 2999999 bytes"),
        (endless(WEIGHTS + b"more"), 1, "sends more than the 3,000,000 bytes"),
        (instead(b"<!doctype html><p>Log in", "text/html; charset=utf-8"), 1, "sends an HTML page"),
        (instead(b"<!doctype html>".ljust(len(WEIGHTS))), 1, "sends an HTML page"),
        (instead(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"), 1, "a git-lfs pointer"),
        (status(404), 3, "answered 404 Not Found for http"),
        (status(401), 3, "its terms are accepted at http"),
        (status(403), 3, "it is gated, so set HF_TOKEN"),
    ],
    ids=["other bytes", "more", "fewer", "endless", "HTML", "HTML of the right size", "git-lfs", "404", "401", "403"],
)
def test_what_is_not_the_file_is_named_and_kept_out(
    bench: Bench, hub: Source, mirror: Source, fault: Fault, code: int, message: str
) -> None:
    hub.faults[ON_HUB] = [fault]
    seen, _, err = bench.run()
    assert seen == code
    assert message in err
    assert err.count("\n") == 1
    assert not bench.weights.exists()
    assert not (bench.output / "models.lock.json").exists()

    hub.faults[ON_HUB] = [fault]
    bench.model["mirrors"] = [f"{mirror.url}/cdn"]
    assert bench.run()[0] == 0
    assert bench.weights.read_bytes() == WEIGHTS


def test_the_token_goes_to_the_hub_and_not_along_a_redirect_nor_to_a_mirror(
    bench: Bench, hub: Source, mirror: Source
) -> None:
    bench.environment["HF_TOKEN"] = "hf_secret"
    bench.model["mirrors"] = [f"{mirror.url}/cdn"]
    same, other = f"{ON_HUB}?moved", f"{mirror.url}/cdn/model.safetensors"
    hub.faults[ON_HUB] = [status(302, Location=same), status(302, Location=same)]
    hub.faults[same] = [status(302, Location=other), status(500)]
    mirror.faults["/cdn/model.safetensors"] = [cut(10)]
    hub.faults[f"/nsn/clip/resolve/{REVISION}/config.json"] = [status(404)]
    assert bench.run("--jobs", "1")[0] == 0
    assert {headers.get("Authorization") for _, headers in hub.requests} == {"Bearer hf_secret"}
    assert len([path for path, _ in hub.requests if path == same]) == 2
    assert len(mirror.requests) == 2
    assert all("Authorization" not in headers for _, headers in mirror.requests)


def test_a_token_that_is_refused_is_named_without_being_shown(bench: Bench, hub: Source) -> None:
    bench.environment["HF_TOKEN"] = "hf_secret"
    hub.faults[ON_HUB] = [status(403)]
    code, out, err = bench.run()
    assert code == 3
    assert "the token in HF_TOKEN may not read" in err
    assert "hf_secret" not in out + err


@pytest.mark.parametrize("place", ["http://192.0.2.1/x", "file:///etc/passwd"])
def test_a_redirect_to_plain_http_or_to_a_file_is_refused(bench: Bench, hub: Source, place: str) -> None:
    hub.faults[ON_HUB] = [status(302, Location=place)]
    code, _, err = bench.run()
    assert code == 3
    assert place in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../clip"}, "'../clip' leaves its folder"),
        ({"name": "/clip"}, "leaves its folder"),
        ({"files": [entry("a/../../b", b"")]}, "leaves its folder"),
        ({"files": [entry("a", b""), entry("A", b"")]}, "clip/a is there twice"),
        ({"files": [{"path": "a", "size": -1, "sha256": "0" * 64}]}, "clip/a: size -1"),
        ({"files": [{"path": "a", "size": 1, "sha256": "0" * 63}]}, "malformed"),
        ({"source": {"url": "http://cdn.example/"}}, "plain HTTP, which is allowed on loopback only"),
        ({"mirrors": ["ftp://cdn.example/"]}, "no https: or file: address"),
        ({"source": {}}, "not a models lock"),
        ({"mirors": []}, "clip has the unknown key 'mirors'"),
        ({"files": [{**entry("a", b""), "md5": ""}]}, "clip/a has the unknown key 'md5'"),
        ({"source": {"url": "https://cdn.example/", "token": "x"}}, "the source of clip has the unknown key 'token'"),
        ({"mirrors": ["http://128.0.0.1/"]}, "allowed on loopback only"),
    ],
)
def test_a_lock_that_is_wrong_is_refused_before_anything_moves(
    bench: Bench, hub: Source, change: dict[str, Any], message: str
) -> None:
    bench.model.update(change)
    code, _, err = bench.run()
    assert code == 2
    assert message in err
    assert not hub.requests


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rot": 1}, "the lock has the unknown key 'rot'"),
        (
            {"layers": [{"digest": "sha256:0", "size": 1, "files": [], "type": ""}]},
            "a layer has the unknown key 'type'",
        ),
    ],
)
def test_unknown_keys_beside_the_models_are_refused_too(
    bench: Bench, hub: Source, change: dict[str, Any], message: str
) -> None:
    bench.lock.update(change)
    code, _, err = bench.run()
    assert code == 2
    assert message in err
    assert not hub.requests


def test_a_lock_that_is_no_json_or_not_there_is_wrong_usage(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for lock in (broken, tmp_path / "absent.json"):
        code, _, err = bench.run("--lock", str(lock))
        assert code == 2
        assert lock.name in err


def test_a_folder_that_cannot_hold_the_weights_is_refused_before_anything_moves(bench: Bench, hub: Source) -> None:
    bench.model["files"].append({"path": "huge", "size": 10**18, "sha256": "0" * 64})
    code, _, err = bench.run()
    assert code == 3
    assert "make room" in err
    assert not hub.requests


def test_a_disk_that_fills_up_is_named(bench: Bench) -> None:
    bench.output.mkdir()
    limited = ["bash", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "bash"]
    (bench.folder / "lock.json").write_text(json.dumps(bench.lock))
    command = [*limited, sys.executable, str(SCRIPT), "--output", str(bench.output)]
    done = subprocess.run(
        [*command, "--lock", str(bench.folder / "lock.json")],
        capture_output=True,
        text=True,
        timeout=30,
        env={"PATH": os.environ["PATH"], "HF_ENDPOINT": bench.hub},
    )
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert not bench.weights.exists()
