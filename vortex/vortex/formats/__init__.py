"""Which format a file has, told by its first bytes and not by its ending alone."""

from __future__ import annotations

from pathlib import PurePosixPath

from vortex.errors import ModelError
from vortex.formats.onnx import OpenExternal, read_onnx
from vortex.formats.pytorch import looks_like_pytorch, read_pytorch
from vortex.formats.safetensors import looks_like_safetensors, read_safetensors
from vortex.mapping import MappedFile
from vortex.tensors import Tensor

_WEIGHTS = {".safetensors", ".pth", ".pt", ".ckpt", ".gguf"}
"""Endings that promise tensors; a file of another ending and unknown content (text, JSON, ONNX data) has none."""


def read_tensors(path: str, data: MappedFile, open_external: OpenExternal) -> list[Tensor]:
    """Every tensor of a model's file, none for a file that is not weights; ModelError for damaged weights."""
    head, ending = data[:16], PurePosixPath(path).suffix
    if ending == ".onnx":
        return read_onnx(memoryview(data), open_external)
    if looks_like_pytorch(head):
        return read_pytorch(data)
    if ending == ".safetensors" or (ending == ".bin" and looks_like_safetensors(head)):
        return read_safetensors(memoryview(data))
    if ending in _WEIGHTS:
        raise ModelError(f"the content is no {ending.removeprefix('.')} that this sidecar reads")
    return []
