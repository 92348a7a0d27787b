"""Files to tensors on a device: every byte hashed, every tensor placed, or one error that names what is wrong."""

from __future__ import annotations

import hashlib
import json
import mmap
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from vortex.devices import Device, Placed
from vortex.errors import ModelError, Stopped
from vortex.formats import read_tensors
from vortex.lock import LockedFile, LockedModel
from vortex.mapping import MappedFile
from vortex.tensors import Tensor

Files = Iterator[tuple[LockedFile, MappedFile | None]]
"""Verified files in lock order, mapped; None for an empty one."""

_CHUNK = 8 * 1024 * 1024
_AHEAD = 2
"""Files that are hashed while one before them is being placed."""

_LONGEST = 300
"""Characters of an error that may quote the file."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    title: str
    tensors: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Called as loading goes on, on the loading thread: (model, index from 1, of), then the model when it is there."""

    loading: Callable[[LockedModel, int, int], None]
    loaded: Callable[[LoadedModel], None]


def load_models(
    models: tuple[LockedModel, ...], root: Path, device: Device, progress: Progress, stop: threading.Event
) -> list[LoadedModel]:
    """All models in their order. ModelError at the first byte, tensor or file that is not as the lock says."""
    done = []
    pool = ThreadPoolExecutor(max_workers=_AHEAD, thread_name_prefix="hash")
    try:
        files = _verified_ahead(models, root, pool, stop)
        for number, model in enumerate(models, start=1):
            progress.loading(model, number, len(models))
            loaded = LoadedModel(model.title, tuple(_load(model, files, device, stop)))
            progress.loaded(loaded)
            done.append(loaded)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return done


def _verified_ahead(
    models: tuple[LockedModel, ...], root: Path, pool: ThreadPoolExecutor, stop: threading.Event
) -> Files:
    coming: deque[tuple[LockedFile, Future[MappedFile | None]]] = deque()
    for model in models:
        for file in model.files:
            coming.append((file, pool.submit(_map_verified, root / model.name / file.path, file, stop)))
            if len(coming) > _AHEAD:
                ready, mapped = coming.popleft()
                yield ready, mapped.result()
    for ready, mapped in coming:
        yield ready, mapped.result()


def _map_verified(path: Path, file: LockedFile, stop: threading.Event) -> MappedFile | None:
    try:
        with path.open("rb") as opened:
            size = path.stat().st_size
            if size != file.size:
                raise ModelError(f"{file.path}: {size} bytes, the lock says {file.size}")
            # A private mapping: writable as torch wants its sources, read from disk once, and never written back.
            data = MappedFile(opened.fileno(), 0, access=mmap.ACCESS_COPY) if size else None
    except FileNotFoundError:
        raise ModelError(f"{file.path} is missing (looked for {path})") from None
    except OSError as error:
        raise ModelError(f"{file.path} cannot be read: {error.strerror or error}") from error
    seen = hashlib.sha256()
    view = memoryview(data) if data is not None else memoryview(b"")
    for at in range(0, file.size, _CHUNK):
        if stop.is_set():
            raise Stopped
        seen.update(view[at : at + _CHUNK])
    if seen.hexdigest() != file.sha256:
        raise ModelError(f"{file.path}: sha256 {seen.hexdigest()}, the lock says {file.sha256}")
    return data


class _Mapped:
    """One model's files by path, taken from the verified stream in order and as far as they are asked for."""

    def __init__(self, model: LockedModel, files: Files) -> None:
        self._paths = {file.path for file in model.files}
        self._files = files
        self._data: dict[str, MappedFile | None] = {}

    def __getitem__(self, path: str) -> MappedFile | None:
        if path not in self._paths:
            raise KeyError(path)
        while path not in self._data:
            file, data = next(self._files)
            self._data[file.path] = data
        return self._data[path]

    def beside(self, near: str, location: str) -> memoryview:
        """An ONNX file's external data: another file of this model's lock, so that it is verified and inside."""
        try:
            data = self[str(PurePosixPath(near).parent / location)]
        except KeyError:
            data = None
        if data is None:
            raise ModelError(f"external data {location!r} is not among the model's files in the lock")
        return memoryview(data)


def _load(model: LockedModel, files: Files, device: Device, stop: threading.Event) -> Iterator[Placed]:
    mapped = _Mapped(model, files)
    names: dict[str, set[str]] = {}
    try:
        for path in (file.path for file in model.files):
            names[path] = set()
            for tensor in _tensors(path, mapped):
                if stop.is_set():
                    raise Stopped
                names[path].add(tensor.name)
                yield _place(path, tensor, device)
        if not any(names.values()):
            raise ModelError(f"none of its {len(names)} files holds a tensor")
        for path in names:
            if path.endswith(".index.json"):
                _check_shards(path, mapped[path], names)
    except ModelError as error:
        raise ModelError(f"{model.title}: {error}") from error


def _tensors(path: str, mapped: _Mapped) -> list[Tensor]:
    data = mapped[path]
    try:
        return [] if data is None else read_tensors(path, data, partial(mapped.beside, path))
    except Stopped:
        raise
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except Exception as error:  # what a stranger's file makes of numpy, json and zipfile is nobody's to list
        raise ModelError(f"{path}: the file is malformed: {_briefly(error)}") from error


def _place(path: str, tensor: Tensor, device: Device) -> Placed:
    try:
        return device.place(tensor)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except Exception as error:
        raise ModelError(
            f"{path}: tensor {tensor.name} cannot be placed on {device.name}: {_briefly(error)}"
        ) from error


def _briefly(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]


def _check_shards(path: str, data: MappedFile | None, names: dict[str, set[str]]) -> None:
    """A sharded model's index names every tensor and its file: all of them must have been placed."""
    try:
        weight_map = json.loads(data[:] if data else b"").get("weight_map", {})
        places = [(tensor, str(PurePosixPath(path).parent / shard)) for tensor, shard in weight_map.items()]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: no shard index: {error}") from error
    for tensor, shard in places:
        if shard not in names:
            raise ModelError(f"{path}: it names {shard}, which is missing from the lock")
        if tensor not in names[shard]:
            raise ModelError(f"{shard}: tensor {tensor} is missing (named in {path})")
