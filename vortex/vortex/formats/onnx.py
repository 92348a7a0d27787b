"""ONNX initializers and constants.

Read from protobuf's wire format directly: the four messages that matter need less code than the `onnx` package needs
dependencies (protobuf and ml_dtypes, some 60 MB installed), the bytes are viewed and not copied, and nothing but
the fields named here is looked at (onnx.proto3, IR version 10).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import numpy as np

from vortex.errors import ModelError
from vortex.tensors import DTYPES, Array, Dtype, Tensor, tensor_of_bytes

# TensorProto.DataType -> our names; 8 is STRING, which has no numbers to put on a device.
_TYPES = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
    13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ",
    21: "U4", 22: "I4", 23: "F4", 24: "F8_E8M0",
}  # fmt: skip
_STRING = 8
_MAX_DEPTH = 32

Value = int | memoryview
OpenExternal = Callable[[str], memoryview]
"""Gives the bytes of another file of the same model, by the name that the ONNX file uses."""


def read_onnx(data: memoryview, open_external: OpenExternal) -> list[Tensor]:
    """Every initializer and constant tensor of the graph and its inner graphs."""
    try:
        graphs = [_message(value) for field, value in _fields(data) if field == 7]
        if not graphs:
            raise ModelError("the ONNX model has no graph")
        return [_tensor(proto, open_external) for graph in graphs for proto in _graph(graph, 0) if _numeric(proto)]
    except (IndexError, struct.error, OverflowError) as error:
        raise ModelError("the ONNX file ends in the middle of a field") from error


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """(field number, value) of one message: an int for varints, the bytes for everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire, size = key & 7, 0
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ModelError(f"this is not an ONNX file: wire type {wire}")
        if at + size > len(data):
            raise IndexError
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        if shift > 63:
            raise ModelError("this is not an ONNX file: a number of more than 64 bits")


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ModelError("this is not an ONNX file: a number where a message belongs")
    return value


def _graph(graph: memoryview, depth: int) -> Iterator[dict[int, list[Value]]]:
    """TensorProtos of a GraphProto, as field number -> values: initializers, then constants inside its nodes."""
    if depth > _MAX_DEPTH:
        raise ModelError("ONNX graphs are nested too deep")
    for field, value in _fields(graph):
        if field == 5:
            yield _grouped(_message(value))
        elif field == 1:
            for attribute in (_message(item) for number, item in _fields(_message(value)) if number == 5):
                yield from _attribute(attribute, depth)


def _attribute(attribute: memoryview, depth: int) -> Iterator[dict[int, list[Value]]]:
    grouped = _grouped(attribute)
    owner = bytes(_message(grouped[1][0])).decode("utf-8", "replace") if 1 in grouped else "constant"
    for value in grouped.get(5, []) + grouped.get(10, []):
        tensor = _grouped(_message(value))
        tensor.setdefault(8, [memoryview(owner.encode())])
        yield tensor
    for value in grouped.get(6, []) + grouped.get(11, []):
        yield from _graph(_message(value), depth + 1)


def _grouped(message: memoryview) -> dict[int, list[Value]]:
    fields: dict[int, list[Value]] = {}
    for field, value in _fields(message):
        fields.setdefault(field, []).append(value)
    return fields


def _numeric(proto: dict[int, list[Value]]) -> bool:
    return proto.get(2, [0])[-1] != _STRING


def _tensor(proto: dict[int, list[Value]], open_external: OpenExternal) -> Tensor:
    name = _text(proto.get(8, [memoryview(b"")])[-1])
    code = proto.get(2, [0])[-1]
    if not isinstance(code, int) or code not in _TYPES:
        raise ModelError(f"tensor {name}: type {code!r} does not exist")
    dtype = DTYPES[_TYPES[code]]
    shape = _numbers(proto.get(1, []))
    if proto.get(14, [0])[-1] == 1:
        return tensor_of_bytes(name, dtype, shape, _external(name, proto, open_external))
    if 9 in proto:
        return tensor_of_bytes(name, dtype, shape, _message(proto[9][-1]))
    return tensor_of_bytes(name, dtype, shape, memoryview(bytearray(_typed(proto, dtype))))


def _external(name: str, proto: dict[int, list[Value]], open_external: OpenExternal) -> memoryview:
    entries = (_grouped(_message(value)) for value in proto.get(13, []))
    place = {_text(entry[1][0]): _text(entry[2][0]) for entry in entries if 1 in entry and 2 in entry}
    data = open_external(place.get("location", ""))
    try:
        offset, length = int(place.get("offset", "0")), int(place.get("length", str(len(data))))
    except ValueError as error:
        raise ModelError(f"tensor {name}: {error} in its external data") from error
    if offset < 0 or length < 0 or (offset + length > len(data) and "length" in place):
        raise ModelError(f"tensor {name}: bytes {offset}+{length} lie outside {place.get('location')}")
    return data[offset : offset + length]


def _typed(proto: dict[int, list[Value]], dtype: Dtype) -> bytes:
    """The bytes of a tensor that is written in a typed field (float_data, int32_data, ...) instead of raw_data."""
    if 4 in proto or 10 in proto:
        return b"".join(bytes(_message(value)) for value in proto.get(4, proto.get(10, [])))
    numbers = [number for field in (5, 7, 11) for number in _numbers(proto.get(field, []))]
    words: Array = np.array(numbers, dtype=np.uint64)
    if dtype.bits < 8:
        return words.astype(np.uint8).tobytes()
    return words.astype(f"<u{dtype.bits // 8}").tobytes() if dtype.bits <= 64 else b""


def _numbers(values: list[Value]) -> list[int]:
    """A repeated integer field, packed or not."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            numbers.append(number)
    return numbers


def _text(value: Value) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")
