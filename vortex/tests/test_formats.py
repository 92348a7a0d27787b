"""What each format's reader takes and what it refuses."""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from samples import (
    Call,
    Global,
    StorageId,
    encrypted,
    floats,
    legacy_torch,
    onnx,
    onnx_tensor,
    proto,
    safetensors,
    torch_zip,
    varint,
    view,
)

from vortex.errors import ModelError
from vortex.formats import read_tensors
from vortex.mapping import MappedFile
from vortex.tensors import Tensor

FAR = floats(4, 5)


def read(tmp_path: Path, name: str, data: bytes) -> dict[str, Tensor]:
    path = tmp_path / name
    path.write_bytes(data)
    with path.open("rb") as opened:
        mapped = MappedFile(opened.fileno(), 0, access=mmap.ACCESS_COPY)
    return {tensor.name: tensor for tensor in read_tensors(name, mapped, {"far.data": memoryview(FAR)}.__getitem__)}


def values(tensor: Tensor) -> bytes:
    return np.ascontiguousarray(tensor.array).tobytes()


def test_safetensors_of_every_width(tmp_path: Path) -> None:
    written = {
        "nf4": ("U8", [4, 1], b"\x01\x02\x03\x04"),
        "half": ("BF16", [2], b"\x80\x3f\x00\x40"),
        "eight": ("F8_E4M3", [3], b"abc"),
        "four": ("F4", [2, 4], b"abcd"),
        "scalar": ("F64", [], struct.pack("<d", 2.5)),
        "empty": ("F32", [0, 8], b""),
    }
    found = read(tmp_path, "m.safetensors", safetensors(written, __metadata__={"format": "pt"}))
    assert {name: (t.dtype.name, list(t.shape), values(t)) for name, t in found.items()} == written
    assert found["scalar"].array == 2.5


def test_a_pytorch_zip_and_a_legacy_file_give_the_same_tensors(tmp_path: Path) -> None:
    data = floats(12)
    tree = {"net": OrderedDict(w=view("7", 12, (3, 2), (4, 2), 1), t=view("7", 12, (4, 3), (1, 4))), "epoch": 3}
    zipped = read(tmp_path, "a.pth", torch_zip(tree, {"7": data}))
    legacy_tree = {"net": OrderedDict(w=legacy_view("7", (3, 2), (4, 2), 1), t=legacy_view("7", (4, 3), (1, 4), 0))}
    legacy = read(tmp_path, "b.pth", legacy_torch(legacy_tree, {"7": data}))
    matrix = np.frombuffer(data, "<f4").reshape(3, 4)
    assert values(zipped["net.w"]) == matrix[:, 1::2].tobytes()
    assert values(zipped["net.t"]) == matrix.T.tobytes()
    assert {name: values(t) for name, t in legacy.items()} == {name: values(t) for name, t in zipped.items()}


def legacy_view(key: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Call:
    storage = StorageId("storage", Global("torch", "FloatStorage"), key, "cpu", 12, None)
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), storage, offset, shape, strides, False, OrderedDict())


def test_onnx_initializers_constants_inner_graphs_and_external_data(tmp_path: Path) -> None:
    place = proto(13, proto(1, b"location") + proto(2, b"far.data")) + proto(13, proto(1, b"offset") + proto(2, b"8"))
    constant = proto(5, proto(1, b"value") + proto(5, onnx_tensor("", 1, [1], proto(9, floats(1, 9)))))
    inner = proto(5, proto(1, b"body") + proto(6, proto(5, onnx_tensor("deep", 2, [2], proto(9, b"xy")))))
    found = read(
        tmp_path,
        "m.onnx",
        onnx(
            onnx_tensor("raw", 1, [2, 2], proto(9, floats(4))),
            onnx_tensor("typed", 1, [4], proto(4, floats(4, 2))),
            onnx_tensor("signed", 3, [3], proto(5, varint(-1) + varint(5) + varint(-128))),
            onnx_tensor("long", 7, [2], proto(7, 9), proto(7, -9)),
            onnx_tensor("far", 1, [2], place + proto(14, 1)),
            onnx_tensor("words", 8, [1], proto(6, b"text")),
            nodes=proto(1, constant) + proto(1, inner),
        ),
    )
    assert {name: values(tensor) for name, tensor in found.items()} == {
        "raw": floats(4),
        "typed": floats(4, 2),
        "signed": b"\xff\x05\x80",
        "long": struct.pack("<qq", 9, -9),
        "far": FAR[8:],
        "": floats(1, 9),
        "deep": b"xy",
    }


def test_text_beside_the_weights_has_no_tensors(tmp_path: Path) -> None:
    assert read(tmp_path, "config.json", b'{"a": 1}') == {}
    assert read(tmp_path, "vocab.bin", b"\x00\x01") == {}


F = floats(4)
GAP = safetensors({"a": ("F32", [4], F)}, a={"dtype": "F32", "shape": [3], "data_offsets": [4, 16]})
DUPLICATE = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
OUTSIDE = proto(13, proto(1, b"location") + proto(2, b"far.data")) + proto(13, proto(1, b"length") + proto(2, b"17"))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("m.safetensors", safetensors({"a": ("F33", [4], F)}), "tensor a: type 'F33' does not exist"),
        ("m.safetensors", safetensors({"a": ("F16", [4], F)}), r"tensor a: 16 bytes, F16\[4\] needs 8"),
        ("m.safetensors", safetensors({"a": ("F32", [5], F)}), r"tensor a: 16 bytes, F32\[5\] needs 20"),
        ("m.safetensors", safetensors({"a": ("F32", [-4], F)}), "not whole numbers"),
        ("m.safetensors", GAP, "tensor a: bytes 4-16 of 16, wanted to begin at 0"),
        ("m.safetensors", safetensors({"a": ("F32", [4], F)}) + b"!", "the tensors end at byte 16 of 17"),
        ("m.safetensors", safetensors({"a": ("F32", [4], F)})[:-1], "tensor a: bytes 0-16 of 15"),
        ("m.safetensors", len(DUPLICATE).to_bytes(8, "little") + DUPLICATE + b"x", "a key is there twice"),
        ("m.safetensors", b"\xff" * 64, "header is longer than the file"),
        ("m.safetensors", b"<!doctype html>", "header is longer than the file"),
        (
            "m.pth",
            torch_zip({"w": view("0", 4, (5,), (1,))}, {"0": F}),
            "tensor w: shape .* reaches beyond its storage",
        ),
        ("m.pth", torch_zip({"w": view("0", 4, (2,), (3,), 1)}, {"0": F}), "reaches beyond its storage"),
        ("m.pth", torch_zip({"w": view("0", 4, (9, 9), (0, 0))}, {"0": F}), "reaches beyond its storage"),
        ("m.pth", torch_zip({"w": view("0", 4, (4,), (-1,), 3)}, {"0": F}), "do not fit"),
        (
            "m.pth",
            torch_zip({"w": view("0", 4, (4,), (1,))}, {"0": F[:-4]}),
            "storage has 12 bytes, the pickle says 16",
        ),
        ("m.pth", torch_zip({"w": view("1", 4, (4,), (1,))}, {"0": F}), "archive/data/1"),
        ("m.pth", b"no weights", "the content is no pth"),
        ("m.gguf", b"GGUF\x03\x00\x00\x00", "the content is no gguf"),
        ("m.onnx", onnx(onnx_tensor("a", 99, [4], proto(9, F))), "tensor a: type 99 does not exist"),
        ("m.onnx", onnx(onnx_tensor("a", 11, [4], proto(9, F))), r"tensor a: 16 bytes, F64\[4\] needs 32"),
        ("m.onnx", onnx(onnx_tensor("a", 1, [4], proto(9, F)))[:-20], "ends in the middle"),
        ("m.onnx", onnx(onnx_tensor("a", 1, [4], OUTSIDE + proto(14, 1))), "lie outside far.data"),
        ("m.onnx", b"\x0b\x0c\x0d", "not an ONNX file"),
        ("m.onnx", proto(1, 8), "has no graph"),
        ("m.safetensors", safetensors({"a": ("F32", [1] * 65, b"1234")}), "tensor a: a shape of 65 dimensions"),
        ("m.safetensors", safetensors({"a": ("F32", [0, 10**30], b"")}), "tensor a: a shape of 2 dimensions"),
        ("m.onnx", onnx(onnx_tensor("a", 1, [1] * 65, proto(9, b"1234"))), "tensor a: a shape of 65 dimensions"),
        ("m.pth", encrypted(torch_zip({"w": view("0", 4, (4,), (1,))}, {"0": F}), "archive/data/0"), "is encrypted"),
    ],
)
def test_damaged_weights_are_refused_by_name(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read(tmp_path, name, data)


@pytest.mark.parametrize(
    ("module", "function", "arguments"),
    [
        ("os", "system", ("touch PROOF",)),
        ("builtins", "eval", ("open('PROOF', 'w')",)),
        ("torch.utils.collect_env", "run", ("touch PROOF",)),
        ("collections", "namedtuple", ("a", "b")),
        ("torch", "load", ("x",)),
    ],
)
def test_a_pickle_calls_nothing_that_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, function: str, arguments: tuple[object, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = torch_zip({"w": Call(Global(module, function), *arguments)}, {})
    with pytest.raises(ModelError, match=f"asks for {module}.{function}, which is not on the list"):
        read(tmp_path, "m.pth", evil)
    assert not (tmp_path / "PROOF").exists()


def test_a_pickle_cannot_change_what_it_may_call(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02ctorch._utils\n_rebuild_parameter\n}b.")
    with pytest.raises(ModelError, match="tries to change"):
        read(tmp_path, "m.pth", out.getvalue())
