"""The models lock, as far as the sidecar needs it: which files each model has, in loading order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vortex.errors import ModelError

FILE_NAME = "models.lock.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LockedFile:
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedModel:
    name: str
    title: str
    files: tuple[LockedFile, ...]


def read_lock(models_path: Path) -> tuple[LockedModel, ...]:
    """The models of `<models_path>/models.lock.json` in their order; ModelError says what is wrong with it."""
    path = models_path / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: fill the folder with `director-image models pull`") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    try:
        if document["version"] != 1:
            raise ModelError(f"{path}: version {document['version']!r}, this sidecar reads version 1")
        return tuple(_model(entry) for entry in document["models"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is not a models lock: {type(error).__name__}: {error}") from error


def _model(entry: dict[str, Any]) -> LockedModel:
    name = _inside(entry["name"])
    files = tuple(
        LockedFile(path=_inside(file["path"]), size=_size(file["size"]), sha256=_sha256(file["sha256"]))
        for file in entry["files"]
    )
    return LockedModel(name=name, title=str(entry.get("title", name)), files=files)


def _inside(path: str) -> str:
    """The path, if it stays in its folder."""
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"{path!r} leaves the models' folder")
    return path


def _size(size: object) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"{size!r} is no size in bytes")
    return size


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{text!r} is no sha256")
    return text
