"""What a tensor is before it has a device: a name, a type and a view of the file's bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vortex.errors import ModelError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Dtype:
    """A type by its safetensors name; `carrier` is the numpy type of the same width that holds it."""

    name: str
    bits: int
    carrier: str
    torch: str | None = None


DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("BOOL", 8, "?", "bool"),
        Dtype("U8", 8, "u1", "uint8"),
        Dtype("I8", 8, "i1", "int8"),
        Dtype("U16", 16, "<u2", "uint16"),
        Dtype("I16", 16, "<i2", "int16"),
        Dtype("U32", 32, "<u4", "uint32"),
        Dtype("I32", 32, "<i4", "int32"),
        Dtype("U64", 64, "<u8", "uint64"),
        Dtype("I64", 64, "<i8", "int64"),
        Dtype("F16", 16, "<f2", "float16"),
        Dtype("F32", 32, "<f4", "float32"),
        Dtype("F64", 64, "<f8", "float64"),
        Dtype("C64", 64, "<c8", "complex64"),
        Dtype("C128", 128, "<c16", "complex128"),
        # numpy has no such types, and some have none in torch: they are held bit for bit.
        Dtype("BF16", 16, "<u2", "bfloat16"),
        Dtype("F8_E4M3", 8, "u1", "float8_e4m3fn"),
        Dtype("F8_E5M2", 8, "u1", "float8_e5m2"),
        Dtype("F8_E4M3FNUZ", 8, "u1", "float8_e4m3fnuz"),
        Dtype("F8_E5M2FNUZ", 8, "u1", "float8_e5m2fnuz"),
        Dtype("F8_E8M0", 8, "u1"),
        Dtype("F6_E2M3", 6, "u1"),
        Dtype("F6_E3M2", 6, "u1"),
        Dtype("F4", 4, "u1"),
        Dtype("U4", 4, "u1"),
        Dtype("I4", 4, "u1"),
    )
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """`array` views the file: of the tensor's shape, or flat packed bytes where an element is less than a byte."""

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    array: Array


def byte_length(dtype: Dtype, shape: Sequence[int]) -> int:
    return (math.prod(shape) * dtype.bits + 7) // 8


def tensor_of_bytes(name: str, dtype: Dtype, shape: Sequence[int], data: memoryview) -> Tensor:
    """A contiguous tensor over exactly these bytes; ModelError where the length does not fit the shape."""
    wanted = byte_length(dtype, shape)
    if len(data) != wanted:
        raise ModelError(f"tensor {name}: {len(data)} bytes, {dtype.name}{list(shape)} needs {wanted}")
    packed = dtype.bits < 8
    try:
        array = np.ndarray((wanted,) if packed else tuple(shape), np.dtype(dtype.carrier), buffer=data)
    except (ValueError, OverflowError) as error:
        raise ModelError(f"tensor {name}: a shape of {len(shape)} dimensions cannot be held: {error}") from error
    return Tensor(name, dtype, tuple(shape), array)


def contiguous_bytes(array: Array) -> Array:
    """The array's elements as flat bytes, in row-major order; copies only what is not contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
