"""Small models of every format, made here, and the lock over them."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Folder = dict[str, dict[str, bytes]]
"""Model name -> path -> content."""

TITLES = {"flux-schnell-nf4": "Flux-Schnell", "live-portrait-fp16": "LivePortrait", "clip-vit-b-32": "CLIP-ViT-B-32"}


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], **header: Any) -> bytes:
    """A file of (dtype, shape, bytes) by name; keywords replace entries of the header."""
    entries: dict[str, Any] = {}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps({**entries, **header}).encode()
    return len(text).to_bytes(8, "little") + text + body


class Global:
    """Pickles as the name of something in a module that need not be there."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a global."""

    def __init__(self, function: Global, *arguments: object) -> None:
        self.function, self.arguments = function, arguments


class StorageId:
    def __init__(self, *parts: object) -> None:
        self.parts = parts


class TorchPickler(pickle._Pickler):
    """Writes the pickles that torch.save writes, without torch."""

    write: Callable[[bytes], object]

    def persistent_id(self, obj: object) -> object:
        return obj.parts if isinstance(obj, StorageId) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Global):
            self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(b"R")
        else:
            super().save(obj, save_persistent_id)  # type: ignore[misc]


def torch_pickle(value: object) -> bytes:
    out = io.BytesIO()
    TorchPickler(out, 2).dump(value)
    return out.getvalue()


def view(key: str, elements: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Call:
    """A float32 tensor on storage `key`."""
    storage = StorageId("storage", Global("torch", "FloatStorage"), key, "cpu", elements)
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, OrderedDict())


def torch_zip(value: object, storages: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", torch_pickle(value))
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def encrypted(archive: bytes, name: str) -> bytes:
    """A zip file that says of one of its entries that it is encrypted."""
    data = bytearray(archive)
    data[data.index(b"PK\x01\x02", data.rindex(name.encode()) - 46) + 8] |= 1  # the flags, in the central directory
    return bytes(data)


def varint(value: int) -> bytes:
    out = b""
    value &= 0xFFFFFFFFFFFFFFFF
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def proto(number: int, value: int | bytes) -> bytes:
    """One protobuf field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx(*tensors: bytes, nodes: bytes = b"") -> bytes:
    graph = nodes + b"".join(proto(5, tensor) for tensor in tensors)
    return proto(1, 8) + proto(7, graph) + proto(8, proto(2, 17))


def onnx_tensor(name: str, code: int, shape: list[int], *fields: bytes) -> bytes:
    return b"".join(proto(1, size) for size in shape) + proto(2, code) + proto(8, name.encode()) + b"".join(fields)


def floats(count: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).standard_normal(count, np.float32).tobytes()


def sample_folder() -> Folder:
    """Three models: a sharded safetensors one with NF4 bytes, a PyTorch zip one, an ONNX one with external data."""
    index = {"weight_map": {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}}
    external = proto(13, proto(1, b"location") + proto(2, b"weights.data")) + proto(14, 1)
    return {
        "flux-schnell-nf4": {
            "config.json": b"{}",
            "model-1.safetensors": safetensors(
                {"a.weight": ("U8", [64, 1], floats(16)), "a.absmax": ("F32", [2], floats(2))}
            ),
            "model-2.safetensors": safetensors({"b.weight": ("BF16", [4, 8], floats(16, 2))}),
            "model.safetensors.index.json": json.dumps(index).encode(),
        },
        "live-portrait-fp16": {
            "base/net.pth": torch_zip({"net": OrderedDict(w=view("0", 12, (3, 4), (4, 1)))}, {"0": floats(12, 3)}),
        },
        "clip-vit-b-32": {
            "model.onnx": onnx(
                onnx_tensor("raw", 1, [2, 2], proto(9, floats(4))), onnx_tensor("far", 1, [4], external)
            ),
            "weights.data": floats(4, 5),
        },
    }


def write_models(root: Path, folder: Folder) -> Path:
    """Writes the files and a lock that is true of them."""
    models = []
    for name, files in folder.items():
        for path, data in files.items():
            target = root / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        entries = [{"path": p, "size": len(d), "sha256": hashlib.sha256(d).hexdigest()} for p, d in files.items()]
        models.append({"name": name, "title": TITLES.get(name, name), "files": entries})
    lock = {"version": 1, "root": "/models", "models": models}
    (root / "models.lock.json").write_text(json.dumps(lock))
    return root


def legacy_torch(value: object, storages: dict[str, bytes]) -> bytes:
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [torch_pickle(part) for part in (0x1950A86A20F9469CFC6C, 1001, system, value, list(storages))]
    return b"".join(parts) + b"".join(struct.pack("<q", len(data) // 4) + data for data in storages.values())
