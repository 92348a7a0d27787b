"""safetensors: an 8-byte length, a JSON header, then the tensors' bytes end to end."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from vortex.errors import ModelError
from vortex.tensors import DTYPES, Tensor, tensor_of_bytes

_LENGTH = 8
_MAX_HEADER = 100_000_000


def looks_like_safetensors(head: bytes) -> bool:
    return len(head) > _LENGTH and head[_LENGTH : _LENGTH + 1] == b"{"


def read_safetensors(data: memoryview) -> list[Tensor]:
    """Every tensor, in file order. Offsets must cover the data exactly once, as the format asks."""
    header_length = int.from_bytes(data[:_LENGTH], "little")
    if len(data) < _LENGTH or header_length > min(_MAX_HEADER, len(data) - _LENGTH):
        raise ModelError("the safetensors header is longer than the file")
    body = data[_LENGTH + header_length :]
    try:
        header = json.loads(bytes(data[_LENGTH : _LENGTH + header_length]), object_pairs_hook=_no_duplicates)
        entries = [(name, entry) for name, entry in header.items() if name != "__metadata__"]
        entries.sort(key=lambda item: (item[1]["data_offsets"][0], item[1]["data_offsets"][1]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"the safetensors header is malformed: {error}") from error
    tensors = []
    reached = 0
    for name, entry in entries:
        tensor, reached = _tensor(name, entry, body, reached)
        tensors.append(tensor)
    if reached != len(body):
        raise ModelError(f"the tensors end at byte {reached} of {len(body)}")
    return tensors


def _tensor(name: str, entry: dict[str, Any], body: memoryview, reached: int) -> tuple[Tensor, int]:
    dtype_name, shape, offsets = entry.get("dtype"), entry.get("shape"), entry["data_offsets"]
    dtype = DTYPES.get(dtype_name) if isinstance(dtype_name, str) else None
    if dtype is None:
        raise ModelError(f"tensor {name}: type {dtype_name!r} does not exist")
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise ModelError(f"tensor {name}: shape {shape!r} or offsets {offsets!r} are not whole numbers")
    begin, end = offsets
    if begin != reached or end < begin or end > len(body):
        raise ModelError(f"tensor {name}: bytes {begin}-{end} of {len(body)}, wanted to begin at {reached}")
    return tensor_of_bytes(name, dtype, shape, body[begin:end]), end


def _naturals(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        raise ValueError("a key is there twice")
    return seen
