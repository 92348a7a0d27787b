"""The process: loads the models on a thread, and answers the Director over a Unix socket in JSON lines meanwhile."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vortex.devices import Device, pick_device
from vortex.errors import DeadlineExceeded, ModelError, Stopped
from vortex.loader import LoadedModel, Progress, load_models
from vortex.lock import LockedModel, read_lock
from vortex.slots import generate_slot

VRAM_EVERY = 5.0
"""Seconds between two `vram` events. They come while loading, too: a sidecar that loads is told from a frozen one."""

GRACE = 3.0
"""Seconds that the thread gets to notice the end before the process goes without it."""

MAX_LINE = 1024 * 1024
Message = dict[str, Any]


class RequestError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sidecar:
    """State of one run. One thread loads and later works on slots; everything else happens on the event loop."""

    def __init__(self, models_path: Path, send: Callable[[Message], None]) -> None:
        self._models_path = models_path
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work")
        self._device: Device | None = None
        self._models: list[LoadedModel] = []
        self._ready = False

    def stop(self) -> None:
        """Makes the thread give up at its next step."""
        self._stop.set()
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def load(self) -> None:
        """Loads everything and reports it; ModelError, already reported, where that fails."""
        try:
            await self._loop.run_in_executor(self._worker, self._load)
        except Stopped:
            raise
        except Exception as error:
            if not isinstance(error, ModelError):
                traceback.print_exc()
            message = " ".join(str(error).split()) or type(error).__name__
            sys.stderr.write(f"vortex: {message}\n")
            self._send({"event": "failed", "error": message})
            raise ModelError(message) from error
        self._ready = True
        memory = self._memory()
        say(f"All models loaded. VRAM: {memory['vram_bytes'] / 1e9:.1f} GB")
        if "torch" in memory:
            allocated, reserved = (memory["torch"][key] / 1e9 for key in ("allocated_bytes", "reserved_bytes"))
            say(f"VRAM by PyTorch: {allocated:.1f} GB allocated, {reserved:.1f} GB reserved")
        self._send({"event": "ready", **self._status()})

    def _load(self) -> None:
        models = read_lock(self._models_path)
        self._device = pick_device()

        def loading(model: LockedModel, index: int, of: int) -> None:
            say(f"Loading {model.title}...")
            self._from_thread({"event": "loading", "model": model.title, "index": index, "of": of})

        def loaded(model: LoadedModel) -> None:
            self._models.append(model)
            self._from_thread({"event": "loaded", "model": model.title, **self._memory()})

        load_models(models, self._models_path, self._device, Progress(loading, loaded), self._stop)

    def _from_thread(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._send, message)

    async def report_memory(self) -> None:
        """The sidecar's sign of life, from before the first model is loaded."""
        while True:
            await asyncio.sleep(VRAM_EVERY)
            self._send({"event": "vram", **self._memory()})

    async def answer(self, line: bytes) -> None:
        """Answers one request; every line gets exactly one answer."""
        number: object = None
        try:
            try:
                request = json.loads(line)
            except ValueError as error:
                raise RequestError("bad_request", f"not JSON: {error}") from error
            if not isinstance(request, dict):
                raise RequestError("bad_request", "a request is a JSON object")
            number = request.get("id")
            self._send({"id": number, "result": await self._result(request.get("method"), request.get("params", {}))})
        except RequestError as error:
            self._send({"id": number, "error": {"code": error.code, "message": str(error)}})
        except Exception as error:
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}"
            self._send({"id": number, "error": {"code": "internal", "message": message}})

    async def _result(self, method: object, params: object) -> Message:
        if method == "status":
            return self._status()
        if method == "generate_slot":
            return await self._generate_slot(params)
        raise RequestError("bad_request", f"method {method!r} does not exist, generate_slot and status do")

    async def _generate_slot(self, params: object) -> Message:
        begun = time.monotonic()
        slot, recipe, deadline_ms = _slot_params(params)
        if not self._ready or self._device is None:
            raise RequestError("unavailable", "the models are still being loaded")
        work = (slot, recipe, tuple(self._models), self._device, begun + deadline_ms / 1000, self._stop)
        try:
            digest = await self._loop.run_in_executor(self._worker, generate_slot, *work)
        except DeadlineExceeded:
            raise RequestError("deadline_exceeded", f"slot {slot} was not done within {deadline_ms} ms") from None
        except (Stopped, RuntimeError) as error:
            if not self._stop.is_set():
                raise
            raise RequestError("unavailable", "the sidecar is ending") from error
        return {
            "slot": slot,
            "digest": digest,
            "seconds": round(time.monotonic() - begun, 3),
            "vram_bytes": self._memory()["vram_bytes"],
        }

    def _status(self) -> Message:
        if self._device is None:
            raise RequestError("unavailable", "the device is still being chosen")
        titles = [model.title for model in self._models]
        return {"device": self._device.name, "models": titles, **self._memory()}

    def _memory(self) -> Message:
        """`vram_bytes` by the card's driver and, where PyTorch has a GPU, `torch` by its allocator."""
        if self._device is None:
            return {"vram_bytes": 0}
        torch = self._device.torch_memory()
        figures = {} if torch is None else {"allocated_bytes": torch.allocated, "reserved_bytes": torch.reserved}
        return {"vram_bytes": self._device.vram_bytes(), **({"torch": figures} if figures else {})}


def _slot_params(params: object) -> tuple[int, str, int]:
    if not isinstance(params, dict):
        raise RequestError("bad_request", "params is not an object")
    slot, recipe, deadline_ms = params.get("slot"), params.get("recipe"), params.get("deadline_ms")
    if type(slot) is not int or slot < 0:
        raise RequestError("bad_request", f"slot {slot!r} is no whole number of 0 or more")
    if not isinstance(recipe, str):
        raise RequestError("bad_request", "recipe is no text")
    if type(deadline_ms) is not int or deadline_ms < 0:
        raise RequestError("bad_request", f"deadline_ms {deadline_ms!r} is no whole number of 0 or more")
    return slot, recipe, deadline_ms


def say(line: str) -> None:
    sys.stdout.write(line + "\n")  # one write: the Director writes its own lines to the same pipe
    sys.stdout.flush()


async def run(models_path: Path, socket: Path | None, check: bool) -> int:
    """Runs until SIGTERM, SIGINT or the Director's end of the socket; gives the exit code."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    writer: asyncio.StreamWriter | None = None
    reader: asyncio.StreamReader | None = None
    if socket is not None:
        try:
            reader, writer = await asyncio.open_unix_connection(socket, limit=MAX_LINE)
        except OSError as error:
            sys.stderr.write(f"vortex: no Director at {socket}: {error.strerror}\n")
            return 1

    def send(message: Message) -> None:
        if writer is not None and not writer.is_closing():
            writer.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    sidecar = Sidecar(models_path, send)
    loading = asyncio.create_task(sidecar.load())
    others = [asyncio.create_task(ended.wait()), asyncio.create_task(sidecar.report_memory())]
    if reader is not None:
        others.append(asyncio.create_task(_serve(reader, sidecar)))
    try:
        await asyncio.wait({loading, *others}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done() and not (check or loading.exception() or any(task.done() for task in others)):
            await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        return 1 if loading.done() and loading.exception() else 0
    finally:
        sidecar.stop()
        for task in others:
            task.cancel()
        await asyncio.wait({loading, *others}, timeout=GRACE)
        if writer is not None:
            await _close(writer)


async def _serve(reader: asyncio.StreamReader, sidecar: Sidecar) -> None:
    """Starts an answer for every line until the Director closes its end."""
    answers: set[asyncio.Task[None]] = set()
    while True:
        try:
            line = await reader.readline()
        except ValueError:
            line = b"a line of more than 1 MiB"
        except ConnectionError:
            return
        if not line:
            return
        answer = asyncio.create_task(sidecar.answer(line))
        answers.add(answer)
        answer.add_done_callback(answers.discard)


async def _close(writer: asyncio.StreamWriter) -> None:
    try:
        await asyncio.wait_for(writer.drain(), timeout=1)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), timeout=1)
    except (OSError, TimeoutError):
        return
