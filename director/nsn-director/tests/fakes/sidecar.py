"""A sidecar that speaks the protocol and holds no models; its flags are the ways in which one can behave."""

import argparse
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

MAX_LINE = 1024 * 1024

parser = argparse.ArgumentParser()
parser.add_argument("--models-path", type=Path, required=True)
parser.add_argument("--socket", required=True)
parser.add_argument("--fail", help="say so while loading, and exit 1")
parser.add_argument("--die-once", type=Path, help="exit 3 when ready, unless this file exists; makes it")
parser.add_argument("--forget-last", action="store_true", help="be ready without the last model")
parser.add_argument("--slot-seconds", type=float, default=0.0)
parser.add_argument("--load-seconds", type=float, default=0.0)
parser.add_argument("--never-connect", action="store_true")
parser.add_argument("--answer-nobody", action="store_true", help="an answer without a number, before being ready")
parser.add_argument("--complain", action="store_true", help="print what no log is made for, before being ready")
parser.add_argument("--ignore-term", action="store_true")
parser.add_argument("--goodbye", type=Path, help="the SIGTERM handler writes here")
parser.add_argument("--torch", action="store_true", help="have figures of PyTorch")
parser.add_argument("--orphan", type=Path, help="leave an orphan that ends soon, its process id in this file")
options = parser.parse_args()


def on_term(*_):
    if options.ignore_term:
        return
    if options.goodbye:
        options.goodbye.write_text("SIGTERM\n")
    os._exit(0)


signal.signal(signal.SIGTERM, on_term)

if options.orphan and os.fork() == 0:
    orphan = os.fork()
    if orphan == 0:
        time.sleep(0.5)
        os._exit(0)
    options.orphan.write_text(str(orphan))
    os._exit(0)

while options.never_connect:
    time.sleep(1)

connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect(options.socket)
sending = threading.Lock()


def send(message):
    with sending:
        connection.sendall(json.dumps(message).encode() + b"\n")


def answer(request):
    slot, recipe = request["params"]["slot"], request["params"]["recipe"]
    if recipe == "refuse":
        send({"id": request["id"], "error": {"code": "bad_request", "message": "no such recipe"}})
        return
    if options.slot_seconds * 1000 > request["params"]["deadline_ms"]:
        send({"id": request["id"], "error": {"code": "deadline_exceeded", "message": "too slow"}})
        return
    time.sleep(options.slot_seconds)
    digest = hashlib.sha256(f"{slot} {recipe}".encode()).hexdigest()
    result = {"slot": slot, "digest": digest, "seconds": options.slot_seconds, "vram_bytes": 4096}
    send({"id": request["id"], "result": result})


def answer_nobody():
    send({"id": None, "error": {"code": "bad_request", "message": "not JSON"}})


def load():
    lock = json.loads((options.models_path / "models.lock.json").read_text())
    titles = [model["title"] for model in lock["models"]]
    for index, title in enumerate(titles, 1):
        print(f"Loading {title}...", flush=True)
        send({"event": "loading", "model": title, "index": index, "of": len(titles)})
        time.sleep(options.load_seconds)
        send({"event": "loaded", "model": title, "vram_bytes": 1024 * index})
    if options.complain:
        sys.stdout.buffer.write(b"no \xff UTF-8, and no end of line: " + b"x" * 100_000)
        sys.stdout.flush()
        sys.stderr.write('Traceback:\n\n  "quoted" \t\n')
        sys.stderr.flush()
    if options.fail:
        send({"event": "failed", "error": options.fail})
        os._exit(1)
    if options.forget_last:
        titles.pop()
    if options.answer_nobody:
        answer_nobody()
    send({"event": "ready", "device": "cpu", "models": titles, "vram_bytes": 2048})
    if options.die_once and not options.die_once.exists():
        options.die_once.touch()
        os._exit(3)
    torch = {"torch": {"allocated_bytes": 1000, "reserved_bytes": 1500}} if options.torch else {}
    while True:
        time.sleep(0.2)
        send({"event": "vram", "vram_bytes": 2048, **torch})


threading.Thread(target=load, daemon=True).start()
for line in connection.makefile("rb"):
    if len(line) > MAX_LINE:
        answer_nobody()
        continue
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
sys.exit(0)
