"""The sidecar as a process, with the Director's end of its socket held by the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from samples import safetensors, write_models

from vortex.sidecar import say


class Director:
    """Listens, starts the sidecar, and speaks JSON lines with it."""

    def __init__(self, models: Path, folder: Path) -> None:
        path = folder / "vortex.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen(1)
        listening.settimeout(20)
        command = [sys.executable, "-m", "vortex", "--models-path", str(models), "--socket", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            self.connection, _ = listening.accept()
        except TimeoutError:
            self.process.kill()
            raise
        finally:
            listening.close()
        self.connection.settimeout(20)
        self.lines: IO[str] = self.connection.makefile("r", encoding="utf-8")

    def send(self, line: object) -> None:
        self.connection.sendall((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")

    def next(self) -> dict[str, Any]:
        """The next message but the periodic ones, which may come at any time."""
        message: dict[str, Any] = {"event": "vram"}
        while message.get("event") == "vram":
            message = json.loads(self.lines.readline())
        return message

    def until(self, event: str) -> list[dict[str, Any]]:
        seen = [self.next()]
        while seen[-1].get("event") != event:
            seen.append(self.next())
        return seen

    def slot(self, number: int, **params: object) -> None:
        wanted = {"slot": 7, "recipe": "a recipe", "deadline_ms": 30_000, **params}
        self.send({"id": number, "method": "generate_slot", "params": wanted})

    def close(self) -> None:
        self.lines.close()
        self.connection.close()


@pytest.fixture
def director(models: Path, folder: Path) -> Iterator[Director]:
    yield from running(Director(models, folder))


def running(director: Director) -> Iterator[Director]:
    try:
        yield director
    finally:
        director.close()
        director.process.kill()
        director.process.communicate()


def test_a_line_of_the_log_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[str] = []

    class Pipe:
        write = staticmethod(writes.append)
        flush = staticmethod(lambda: None)

    monkeypatch.setattr(sys, "stdout", Pipe())
    say("Loading Flux-Schnell...")
    assert writes == ["Loading Flux-Schnell...\n"]


def test_loading_is_reported_model_by_model_and_then_readiness(director: Director) -> None:
    titles = ["Flux-Schnell", "LivePortrait", "CLIP-ViT-B-32"]
    expected: list[dict[str, Any]] = []
    for index, title in enumerate(titles, start=1):
        expected.append({"event": "loading", "model": title, "index": index, "of": 3})
        expected.append({"event": "loaded", "model": title, "vram_bytes": 0})
    expected.append({"event": "ready", "device": "cpu", "models": titles, "vram_bytes": 0})
    assert director.until("ready") == expected


def test_a_slot_is_worked_on_and_its_digest_repeats(director: Director) -> None:
    director.until("ready")
    for number in (1, 2):
        director.slot(number)
    first, second = director.next(), director.next()
    assert (first["id"], second["id"]) == (1, 2)
    assert len(first["result"]["digest"]) == 64
    assert first["result"].keys() == {"slot", "digest", "seconds", "vram_bytes"}
    assert first["result"]["seconds"] > 0
    assert first["result"]["digest"] == second["result"]["digest"]


def test_status_is_answered_while_slots_are_worked_on(director: Director) -> None:
    director.until("ready")
    for number in range(10):
        director.slot(number)
    director.send({"id": "s", "method": "status"})
    answers = [director.next()["id"] for _ in range(11)]
    assert answers.index("s") < 10
    assert answers != [*range(10), "s"]


def test_the_memory_is_reported_every_five_seconds(director: Director) -> None:
    director.until("ready")
    assert json.loads(director.lines.readline()) == {"event": "vram", "vram_bytes": 0}


def test_a_deadline_that_passes_is_an_answer_of_its_own(director: Director) -> None:
    director.until("ready")
    director.slot(3, deadline_ms=0)
    answer = director.next()
    assert answer == {"id": 3, "error": {"code": "deadline_exceeded", "message": "slot 7 was not done within 0 ms"}}


@pytest.mark.parametrize(
    ("request_", "number", "message"),
    [
        ("no json", None, "not JSON"),
        ("[]", None, "a request is a JSON object"),
        ("x" * 2_000_000, None, "not JSON"),
        ({"id": 4, "method": "reboot"}, 4, "method 'reboot' does not exist"),
        ({"id": 5, "method": "generate_slot"}, 5, "slot None is no whole number"),
        ({"id": 6, "method": "generate_slot", "params": []}, 6, "params is not an object"),
        ({"id": 7, "method": "generate_slot", "params": {"slot": True}}, 7, "slot True is no"),
        ({"id": 8, "method": "generate_slot", "params": {"slot": 1, "recipe": 5}}, 8, "recipe is no text"),
        ({"id": 9, "method": "generate_slot", "params": {"slot": 1, "recipe": ""}}, 9, "deadline_ms None"),
    ],
)
def test_a_bad_request_gets_its_answer_and_the_next_one_too(
    director: Director, request_: object, number: object, message: str
) -> None:
    director.until("ready")
    director.send(request_)
    answer = director.next()
    assert answer["id"] == number
    assert answer["error"]["code"] == "bad_request"
    assert message in answer["error"]["message"]
    director.send({"id": 99, "method": "status"})
    answers = [director.next()]
    while answers[-1].get("id") != 99:
        assert answers[-1]["error"]["code"] == "bad_request"
        answers.append(director.next())
    assert answers[-1]["result"]["device"] == "cpu"


def test_a_failed_start_is_one_line_one_event_and_exit_1(models: Path, folder: Path) -> None:
    (models / "live-portrait-fp16" / "base" / "net.pth").unlink()
    director = Director(models, folder)
    for _ in running(director):
        failed = director.until("failed")[-1]
        assert failed["error"].startswith("LivePortrait: base/net.pth is missing")
        assert director.lines.readline() == ""
        _, err = director.process.communicate(timeout=10)
        assert err == f"vortex: {failed['error']}\n"
        assert director.process.returncode == 1


def test_the_directors_end_ends_the_sidecar_with_0(director: Director) -> None:
    director.until("ready")
    director.close()
    assert director.process.wait(timeout=5) == 0


def test_sigterm_in_the_middle_of_work_ends_it_in_time_with_0(director: Director) -> None:
    director.until("ready")
    for number in range(200):
        director.slot(number)
    director.next()
    begun = time.monotonic()
    director.process.send_signal(signal.SIGTERM)
    assert director.process.wait(timeout=10) == 0
    assert time.monotonic() - begun < 5
    rest = [json.loads(line) for line in director.lines]
    assert {answer["error"]["code"] for answer in rest if "error" in answer} <= {"unavailable"}


def test_requests_and_sigterm_are_answered_while_loading(tmp_path: Path, folder: Path) -> None:
    big = safetensors({"w": ("U8", [400_000_000], np.zeros(400_000_000, np.uint8).tobytes())})
    director = Director(write_models(tmp_path, {"flux-schnell-nf4": {"model.safetensors": big}}), folder)
    for _ in running(director):
        assert director.next()["event"] == "loading"
        director.slot(1)
        assert director.next()["error"]["code"] == "unavailable"
        director.process.send_signal(signal.SIGTERM)
        assert director.process.wait(timeout=5) == 0


def test_the_memory_is_reported_while_loading_too_as_a_sign_of_life(tmp_path: Path, folder: Path) -> None:
    models = write_models(tmp_path, {"flux-schnell-nf4": {"model.safetensors": b"never read"}})
    weights = models / "flux-schnell-nf4" / "model.safetensors"
    weights.unlink()
    os.mkfifo(weights)  # whoever opens it waits for a writer: loading that does not end
    director = Director(models, folder)
    for _ in running(director):
        assert json.loads(director.lines.readline())["event"] == "loading"
        assert [json.loads(director.lines.readline()) for _ in range(2)] == [{"event": "vram", "vram_bytes": 0}] * 2
        director.process.send_signal(signal.SIGTERM)
        assert director.process.wait(timeout=5) == 0


def test_without_a_director_it_loads_says_so_and_stays_until_sigterm(models: Path) -> None:
    command = [sys.executable, "-m", "vortex", "--models-path", str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        assert said[-1] == "All models loaded. VRAM: 0.0 GB\n"
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0


def test_a_socket_that_nobody_serves_is_named(models: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "vortex", "--models-path", str(models), "--socket", str(folder / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "no Director at" in done.stderr
