"""download_models.py as its users run it: what it brings, and how it goes on after a break."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, ON_HUB, WEIGHTS, Bench, entry
from sources import Source, cut, instead, stall, status


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


def test_an_earlier_revision_of_the_same_size_is_replaced_unasked(bench: Bench) -> None:
    bench.run()
    earlier = WEIGHTS[::-1]
    bench.weights.write_bytes(earlier)
    lock = bench.output / "models.lock.json"
    lock.write_text(lock.read_text().replace(hashlib.sha256(WEIGHTS).hexdigest(), hashlib.sha256(earlier).hexdigest()))
    code, out, _ = bench.run()
    assert code == 0
    assert "clip/model.safetensors: checksum invalid, downloading again" in out
    assert bench.weights.read_bytes() == WEIGHTS


def test_files_in_a_folder_without_its_lock_are_read(bench: Bench) -> None:
    bench.run()
    (bench.output / "models.lock.json").unlink()
    assert "clip/model.safetensors: 3.0 MB (cached, checksum valid)\n" in bench.run()[1]


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


def test_what_is_left_of_another_revision_is_not_continued(bench: Bench, hub: Source) -> None:
    hub.faults[ON_HUB] = [cut(1000), status(404)]
    assert bench.run()[0] == 3
    hub.files[ON_HUB] = bytes(2_000_000)
    bench.model["files"][0] = entry("model.safetensors", hub.files[ON_HUB])
    assert bench.run()[0] == 0
    assert hub.ranges(ON_HUB) == [None, "bytes=1000-", None]
