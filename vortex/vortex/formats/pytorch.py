"""PyTorch files, zip and legacy, read the same way with and without torch.

The pickle inside names what it wants called. Only the names in `_CALLS` and the storage and type names below are known;
they all lead to plain data of ours, so that nothing of the file is ever executed and no torch is needed.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast

import numpy as np

from vortex.errors import ModelError
from vortex.mapping import MappedFile
from vortex.tensors import DTYPES, Dtype, Tensor, byte_length

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_HEAD = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_LOCAL_HEADER = 30
_ENCRYPTED = 1
_STORAGES = {
    "FloatStorage": "F32", "DoubleStorage": "F64", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL", "ComplexFloatStorage": "C64", "ComplexDoubleStorage": "C128", "UntypedStorage": "U8",
}  # fmt: skip
_TYPES = {dtype.torch: dtype.name for dtype in DTYPES.values() if dtype.torch is not None}


def looks_like_pytorch(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", _LEGACY_HEAD))


@dataclass(slots=True)
class _Storage:
    dtype: Dtype
    elements: int
    data: memoryview = field(default_factory=lambda: memoryview(b""))


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor as the pickle describes it: a strided window on a storage."""

    storage: _Storage
    dtype: Dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_v2(storage: _Storage, offset: int, size: Any, stride: Any, *_: object) -> _View:
    return _View(storage, storage.dtype, offset, tuple(size), tuple(stride))


def _rebuild_v3(storage: _Storage, offset: int, size: Any, stride: Any, _g: object, _h: object, dtype: str,
                *_: object) -> _View:  # fmt: skip
    return _View(storage, DTYPES[dtype], offset, tuple(size), tuple(stride))


def _first(value: object, *_: object) -> object:
    return value


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1") if encoding == "latin1" else text.encode()


class _Call:
    """Something that a pickle may call and, unlike a function, cannot change for the files after it."""

    __slots__ = ("_run",)

    def __init__(self, run: Callable[..., object]) -> None:
        self._run = run

    def __call__(self, *arguments: object) -> object:
        return self._run(*arguments)

    def __setstate__(self, _state: object) -> None:
        raise ModelError("the pickle tries to change what it may only call")


_CALLS: dict[tuple[str, str], Callable[..., object]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_v2,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_v3,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch", "Size"): tuple,
    ("torch", "device"): str,
    ("_codecs", "encode"): _encode,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
}


class _Reader(pickle.Unpickler):
    """Rebuilds dictionaries and lists around `_View`s; `storage` finds the bytes that a persistent id names."""

    def __init__(self, file: Any, storage: Callable[[Dtype, str, int], _Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _CALLS:
            call = _CALLS[module, name]
            return call if isinstance(call, type) else _Call(call)
        if module in ("torch", "torch.storage") and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise ModelError(f"the pickle asks for {module}.{name}, which is not on the list of harmless names")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, elements, *view = pid
        if kind != "storage" or dtype not in _STORAGES.values() or (view and view[0] is not None):
            raise ModelError(f"the pickle refers to {kind!r}, which is no storage of this file")
        return self._storage(DTYPES[dtype], str(key), int(elements))


def read_pytorch(data: MappedFile) -> list[Tensor]:
    """Every tensor of the file, named by its keys joined with dots."""
    try:
        root = _zip(data) if data[:4] == b"PK\x03\x04" else _legacy(data)
        return [_tensor(name, view) for name, view in _views(root, "", set())]
    except ModelError:
        raise
    except (zipfile.BadZipFile, pickle.UnpicklingError, LookupError, ValueError, TypeError, AttributeError, EOFError,
            RecursionError, OverflowError, NotImplementedError) as error:  # fmt: skip
        raise ModelError(f"the PyTorch file is malformed: {type(error).__name__}: {error}") from error


def _zip(data: MappedFile) -> object:
    archive = zipfile.ZipFile(cast(IO[bytes], data))
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ModelError("the zip file holds no data.pkl: not a PyTorch file")
    folder = pickles[0].removesuffix("data.pkl")
    if folder + "byteorder" in archive.namelist() and archive.read(folder + "byteorder") != b"little":
        raise ModelError("the PyTorch file is big-endian")
    storages: dict[str, _Storage] = {}

    def storage(dtype: Dtype, key: str, elements: int) -> _Storage:
        if key not in storages:
            storages[key] = _Storage(dtype, elements, _stored(data, archive.getinfo(f"{folder}data/{key}")))
        return storages[key]

    return _Reader(io.BytesIO(archive.read(pickles[0])), storage).load()


def _stored(data: MappedFile, entry: zipfile.ZipInfo) -> memoryview:
    """The bytes of an entry where they lie in the file; torch never compresses them."""
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ModelError(f"{entry.filename} is compressed, which no PyTorch file is")
    if entry.flag_bits & _ENCRYPTED:
        raise ModelError(f"{entry.filename} is encrypted, which no PyTorch file is")
    header = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER]
    begin = entry.header_offset + _LOCAL_HEADER + sum(np.frombuffer(header, "<u2", 2, 26).tolist())
    return memoryview(data)[begin : begin + entry.file_size]


def _legacy(data: MappedFile) -> object:
    """The format before torch 1.6: five pickles, then every storage's length and bytes."""
    storages: dict[str, _Storage] = {}

    def storage(dtype: Dtype, key: str, elements: int) -> _Storage:
        return storages.setdefault(key, _Storage(dtype, elements))

    data.seek(0)
    magic, protocol, _system, root, keys = (_Reader(data, storage).load() for _ in range(5))
    if (magic, protocol) != (_LEGACY_MAGIC, 1001):
        raise ModelError("not a PyTorch file")
    view = memoryview(data)
    at = data.tell()
    for key in keys:
        found = storages[key]
        length = byte_length(found.dtype, [found.elements])
        found.data = view[at + 8 : at + 8 + length]
        at += 8 + length
    return root


def _views(value: object, name: str, above: set[int]) -> Iterator[tuple[str, _View]]:
    """Every tensor below `value`; a container that holds itself is walked once."""
    if isinstance(value, _View):
        yield name or "tensor", value
        return
    if not isinstance(value, dict | list | tuple) or id(value) in above:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _views(item, f"{name}.{key}" if name else str(key), above | {id(value)})


def _tensor(name: str, view: _View) -> Tensor:
    storage, dtype = view.storage, view.dtype
    wanted = byte_length(storage.dtype, [storage.elements])
    if len(storage.data) != wanted:
        raise ModelError(f"tensor {name}: its storage has {len(storage.data)} bytes, the pickle says {wanted}")
    width = dtype.bits // 8
    if len(view.strides) != len(view.shape) or min((*view.shape, *view.strides, view.offset), default=0) < 0:
        raise ModelError(f"tensor {name}: shape {view.shape} and strides {view.strides} do not fit")
    reached = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True)) + 1
    count = byte_length(dtype, view.shape)
    if count and max(reached * width, count) > wanted:
        raise ModelError(f"tensor {name}: shape {view.shape} reaches beyond its storage of {wanted} bytes")
    array: Any = np.ndarray(
        view.shape,
        np.dtype(dtype.carrier),
        buffer=storage.data if count else bytearray(),
        offset=view.offset * width if count else 0,
        strides=tuple(stride * width for stride in view.strides) if count else None,
    )
    return Tensor(name, dtype, view.shape, array)
