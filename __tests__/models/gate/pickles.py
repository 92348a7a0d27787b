"""Pickles that Python itself writes, one JSON line each: what it is, its bytes in base64, whether a model may have it."""

import base64
import collections
import io
import json
import os
import pickle
import pickletools
import struct
import sys


class Calls:
    """Reduces to a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class State:
    """An object of a class of its own, with state."""

    def __init__(self):
        self.value = 1


class Builds:
    def __reduce__(self):
        return collections.OrderedDict, (), {"a": os.system}


class Storage(pickle.Pickler):
    def persistent_id(self, thing):
        return ("storage", thing.key) if isinstance(thing, Key) else None


class Key:
    def __init__(self, key):
        self.key = key


def say(what, data, wanted):
    sys.stdout.write(json.dumps([what, base64.b64encode(data).decode(), wanted]) + "\n")


shared = ["x" * 300, 2**40, -(2**80)]
ordered = collections.OrderedDict((f"layer.{n}.weight", [n, n / 7]) for n in range(1500))
harmless = {
    "a dict of everything plain": {
        "none": None,
        "truth": [True, False],
        "numbers": (0, 1, -1, 255, 65_536, 2**31, 2**63, 1.5, float("inf"), 1j),
        "texts": ["", "a", "ä", "\n'\"\\", "语", "a" * 5000],
        "bytes": [b"", b"\x00\xff", b"ab" * 4000, bytearray(b"xyz")],
        "sets": [set(), {1, 2}, frozenset({3})],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), tuple(range(2000))],
        "shared": [shared, shared, shared],
    },
    "an ordered dict of 1,500 entries": ordered,
    "a counter": collections.Counter("abracadabra"),
    "a list of 100,000 numbers": list(range(100_000)),
    "a large text and large bytes": ["t" * 200_000, os.urandom(200_000)],
    "a list that has itself": None,
}
itself = []
itself.append(itself)
harmless["a list that has itself"] = itself

for what, value in harmless.items():
    for protocol in range(6):
        say(f"{what}, protocol {protocol}", pickle.dumps(value, protocol), True)
        say(
            f"{what}, protocol {protocol}, optimized",
            pickletools.optimize(pickle.dumps(value, protocol)),
            True,
        )
    say(f"{what}, written by Python's own pickler", pickle._dumps(value, 5), True)

inner = pickle.dumps(Calls(os.system, "id"), 2)
hostile = {
    "os.system": Calls(os.system, "id"),
    "eval": Calls(eval, "1"),
    "exec": Calls(exec, "1"),
    "getattr": Calls(getattr, 1, "real"),
    "__import__": Calls(__import__, "os"),
    "open": Calls(open, "/etc/passwd"),
    "pickle.loads": Calls(pickle.loads, inner),
    "an object of a class": State(),
    "a class": State,
    "a function in a state": Builds(),
    "os.system deep inside": {"a": [({"b": Calls(os.system, "id")},)]},
    "os.system behind 100,000 numbers": [list(range(100_000)), Calls(os.system, "id")],
    "a pickle within bytes": {"weights": inner},
    "a pickle of protocol 0 within bytes": {"weights": pickle.dumps(Calls(os.system, "id"), 0)},
    "a pickle within a pickle within bytes": {"w": pickle.dumps({"w": inner}, 4)},
    "a pickle within large bytes": {"w": pickle.dumps([list(range(9000)), Calls(eval, "1")], 4)},
    "a module's function": os.path.join,
}
for what, value in hostile.items():
    for protocol in range(3 if "bytes" in what else 0, 6):
        data = pickle.dumps(value, protocol)
        say(f"{what}, protocol {protocol}", data, False)
        say(f"{what}, protocol {protocol}, optimized", pickletools.optimize(data), False)

for protocol in range(6):
    file = io.BytesIO()
    Storage(file, protocol).dump({"w": Key("0")})
    say(f"a persistent id of another kind, protocol {protocol}", file.getvalue(), False)
    whole = pickle.dumps(harmless["a counter"], protocol)
    say(f"two pickles, the second with eval, protocol {protocol}", whole + pickle.dumps(Calls(eval, "1"), protocol), False)
    say(f"bytes behind the end, protocol {protocol}", whole + b"\xfe\xfe", False)
    # Cut short, the older protocols are texts, or of no type.
    for cut in range(1, len(whole) if protocol >= 2 else 0):
        say(f"cut after {cut} bytes, protocol {protocol}", whole[:cut], False)

buffers = []
data = pickle.dumps(pickle.PickleBuffer(b"abc"), 5, buffer_callback=buffers.append)
say("a buffer out of band", data, False)
say("an overlong frame", b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N.", False)
