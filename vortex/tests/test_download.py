"""download_models.py as its users run it, against sources on loopback that fail in every way."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from sources import Fault, Source, cut, endless, instead, stall, status

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
        return self.output / "clip" / "model.safetensors.part"

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


def test_a_folder_is_filled_and_verified_and_the_lock_goes_in_last(bench: Bench) -> None:
    code, out, err = bench.run()
    assert (code, err) == (0, "")
    assert "clip/model.safetensors: 3.0 MB (checksum verified)\n" in out
    assert "Total: 3.0 MB in 2 files" in out.splitlines()[-1]
    assert bench.weights.read_bytes() == WEIGHTS
    assert json.loads((bench.output / "models.lock.json").read_text()) == bench.lock
    assert not list(bench.output.rglob("*.part"))


def test_a_second_run_moves_nothing(bench: Bench, hub: Source) -> None:
    bench.run()
    before = len(hub.requests)
    assert "clip/model.safetensors: 3.0 MB (cached)\n" in bench.run()[1]
    assert "clip/model.safetensors: 3.0 MB (cached, checksum valid)\n" in bench.run("--verify-checksums")[1]
    assert len(hub.requests) == before


def test_a_flipped_byte_on_disk_is_found_and_replaced_when_checksums_are_asked_for(bench: Bench) -> None:
    bench.run()
    bench.weights.write_bytes(bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:])
    code, out, _ = bench.run("--verify-checksums")
    assert code == 0
    assert "clip/model.safetensors: checksum invalid, downloading again" in out
    assert bench.weights.read_bytes() == WEIGHTS


def test_a_broken_connection_goes_on_at_the_byte_reached(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [cut(1_000_000)]
    code, out, _ = bench.run()
    assert code == 0
    assert hub.ranges(ON_HUB) == [None, "bytes=1000000-"]
    assert "at byte 1,000,000. Retry 2/5 in 0s..." in out


def test_silence_counts_as_a_break(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [stall(500_000)]
    code, out, _ = bench.run("--stall-timeout", "0.5")
    assert code == 0
    assert "without a byte at byte 500,000. Retry 2/5" in out
    assert hub.ranges(ON_HUB) == [None, "bytes=500000-"]


def test_the_first_pause_is_two_seconds(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [status(503)]
    begun = time.monotonic()
    with bench.start() as process:
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Retry 2/5 in 2s..." in out
    assert time.monotonic() - begun >= 2


@pytest.mark.parametrize("value", ["1", formatdate(time.time() + 3600 * 24 * 365 * 100, usegmt=True)])
def test_retry_after_is_obeyed_unless_it_asks_for_too_much(bench: Bench, hub: Source, value: str) -> None:
    hub.faults[ON_HUB] = [status(429, Retry_After=value)]
    begun = time.monotonic()
    code, out, err = bench.run()
    if value == "1":
        assert code == 0
        assert "answered 429 at byte 0. Retry 2/5 in 1s..." in out
        assert time.monotonic() - begun >= 1
    else:
        assert code == 3
        assert "asks to wait" in err


def test_five_attempts_then_the_mirror_takes_over_in_mid_file(bench: Bench, hub: Source, mirror: Source) -> None:
    bench.model["mirrors"] = [f"{mirror.url}/cdn/"]
    hub.faults[ON_HUB] = [cut(700_000), status(502), status(502), status(502), status(502)]
    code, out, _ = bench.run()
    assert code == 0
    assert "Retry 5/5" in out
    assert "Retry 6" not in out
    assert mirror.ranges("/cdn/model.safetensors") == ["bytes=700000-"]
    assert bench.weights.read_bytes() == WEIGHTS


def test_without_a_mirror_the_last_attempt_fails_with_what_was_seen(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [status(502)] * 5
    code, _, err = bench.run()
    assert code == 3
    assert "answered 502 (5 attempts)" in err
    assert not bench.weights.exists()


def test_a_source_that_cannot_resume_begins_anew(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [cut(900_000), instead(WEIGHTS)]
    assert bench.run()[0] == 0
    assert bench.weights.read_bytes() == WEIGHTS


def test_a_mirror_with_other_bytes_in_mid_file_costs_a_new_beginning_and_never_wrong_bytes(
    bench: Bench, hub: Source
) -> None:
    other = bytes(len(WEIGHTS))
    hub.faults[ON_HUB] = [lambda request, data: cut(100_000)(request, other)]
    code, out, _ = bench.run()
    assert code == 0
    assert "from the beginning again" in out
    assert hub.ranges(ON_HUB) == [None, "bytes=100000-", None]
    assert bench.weights.read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (instead(bytes(len(WEIGHTS))), 1, "with sha256 "),
        (instead(WEIGHTS + b"more"), 1, "sends 3,000,004 bytes, the lock says 3,000,000 bytes"),
        (instead(WEIGHTS[:-1]), 1, "sends 2,999,999 bytes"),
        (endless(WEIGHTS + b"more"), 1, "sends more than the 3,000,000 bytes"),
        (instead(b"<!doctype html><p>Log in", "text/html; charset=utf-8"), 1, "sends an HTML page"),
        (instead(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"), 1, "a git-lfs pointer"),
        (status(404), 3, "answered 404 Not Found for http"),
        (status(401), 3, "/nsn/clip and set HF_TOKEN"),
        (status(403), 3, "the repository is gated"),
    ],
    ids=["other bytes", "more", "fewer", "endless", "HTML", "git-lfs", "404", "401", "403"],
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


def test_two_processes_at_once_bring_each_file_once(bench: Bench, hub: Source) -> None:
    def slow(request: Any, data: bytes) -> None:
        time.sleep(1.5)
        request.serve(data)

    hub.faults[ON_HUB] = [slow]
    first = bench.start()
    deadline = time.monotonic() + 20
    while not hub.ranges(ON_HUB) and time.monotonic() < deadline:
        time.sleep(0.02)
    with first, bench.start() as second:
        texts = [process.communicate(timeout=60)[0] for process in (first, second)]
        assert (first.returncode, second.returncode) == (0, 0)
    assert "(checksum verified)" in texts[0]
    assert "waiting for another process" in texts[1]
    assert "clip/model.safetensors: 3.0 MB (cached, checksum valid)" in texts[1]
    assert len(hub.ranges(ON_HUB)) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_is_resumed_by_the_next(bench: Bench, hub: Source, number: int, code: int) -> None:
    hub.faults[ON_HUB] = [stall(2_000_000)]
    with bench.start() as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (bench.part.exists() and bench.part.stat().st_size == 2_000_000):
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "run it again" in err
    assert bench.run()[0] == 0
    assert hub.ranges(ON_HUB) == [None, "bytes=2000000-"]
    assert bench.weights.read_bytes() == WEIGHTS


def test_a_part_with_other_bytes_is_found_out(bench: Bench, hub: Source) -> None:
    bench.part.parent.mkdir(parents=True)
    bench.part.write_bytes(bytes(1000))
    assert bench.run()[0] == 0
    assert hub.ranges(ON_HUB) == ["bytes=1000-", None]
    assert bench.weights.read_bytes() == WEIGHTS


def test_a_folder_and_a_plain_address_are_sources_too(bench: Bench, mirror: Source, tmp_path: Path) -> None:
    air_gap = tmp_path / "usb stick"
    air_gap.mkdir()
    (air_gap / "model.safetensors").write_bytes(WEIGHTS)
    (air_gap / "config.json").write_bytes(CONFIG)
    bench.model["source"] = {"url": air_gap.as_uri()}
    second = {**bench.model, "name": "clip-2", "source": {"url": f"{mirror.url}/cdn/"}}
    bench.lock["models"].append(second)
    assert bench.run()[0] == 0
    assert (bench.output / "clip-2" / "model.safetensors").read_bytes() == bench.weights.read_bytes() == WEIGHTS


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
