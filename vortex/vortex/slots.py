"""A slot's work: a digest that only someone who holds all the tensors can compute."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence

import numpy as np

from vortex.devices import MIX, Device
from vortex.errors import DeadlineExceeded, Stopped
from vortex.loader import LoadedModel
from vortex.tensors import Array

ROUNDS = 6
"""Matrix multiplications per model and slot."""


def generate_slot(
    slot: int, recipe: str, models: Sequence[LoadedModel], device: Device, deadline: float, stop: threading.Event
) -> str:
    """The slot's sha256 (hex): the same for the same slot, recipe and weights on every device.

    Each round multiplies the state with digits of a tensor that the seed chooses. `deadline` is in time.monotonic().
    """
    seed = hashlib.sha256(f"{slot}\n{recipe}".encode()).digest()
    state: Array = np.frombuffer(hashlib.shake_256(seed).digest(MIX * MIX), np.uint8).reshape(MIX, MIX) & 15
    for model in models:
        usable = [tensor for tensor in model.tensors if 0 not in tensor.shape]
        for number in range(ROUNDS if usable else 0):
            if stop.is_set():
                raise Stopped
            if time.monotonic() >= deadline:
                raise DeadlineExceeded
            draw = hashlib.sha256(seed + f"{model.title}\n{number}".encode()).digest()
            tensor = usable[int.from_bytes(draw[:8], "little") % len(usable)]
            state = device.mix(tensor, int.from_bytes(draw[8:12], "little"), state)
            # Zeros in a tensor must not wipe out what came before, nor weak ones settle into a fixed point.
            state = state ^ np.uint8(draw[12] & 15)
    return hashlib.sha256(seed + state.tobytes()).hexdigest()
