"""A Director that is not fit to run: broken.py MODE PROGRAM starts the real one and breaks it from outside.

What each mode is, and which checks fail for it, is in programs.ts and images.ts.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from pages import Course, serve
from relay import DatagramRelay, Relay, free_port

MODE, PROGRAM = sys.argv[1], sys.argv[2:]
DEAF_SIDECAR = 'sh -c \'trap "" TERM; python3 -m vortex "$@"; true\' sh'
Relays = list[Relay | DatagramRelay]


def in_its_place() -> int | None:
    """What a mode does before the node starts; the exit code of one that comes to its end there."""
    match MODE:
        case "slow-start":
            time.sleep(3600)
        case "crash":
            print("the last words of a crash", flush=True)
            return 7
        case "second-crashes" if not Path(os.environ["MODELS_PATH"]).exists():
            print("a node needs models", flush=True)
            return 9
        case "new-identity":
            Path(os.environ["DATA_PATH"], "peer.key").unlink(missing_ok=True)
        case "writes-root":
            Path.home().joinpath("state").write_text("this belongs into /data")
        case "zombie":
            if os.fork() == 0:
                os._exit(0)
        case "port-in-use":
            socket.create_server(("0.0.0.0", int(os.environ["METRICS_PORT"]))).detach()
    return None


def reroute(environment: dict[str, str], course: Course) -> Relays:
    """Takes ports from the node, by its environment, and stands in for it there."""

    def take(name: str) -> tuple[int, int]:
        own, elsewhere = int(environment[name]), free_port()
        environment[name] = str(elsewhere)
        return own, elsewhere

    match MODE:
        case "port-in-use":
            return []
        case "no-chain":
            environment["SUBSTRATE_WS_URL"] = "ws://127.0.0.1:1"
        case "deaf-sidecar":
            environment["VORTEX_COMMAND"] = DEAF_SIDECAR
    serve(MODE, *take("METRICS_PORT"), course, os.environ.get("BROKEN_VRAM_BYTES", "0"))
    match MODE:
        case "no-grpc":
            take("GRPC_PORT")
        case "hung-grpc":
            socket.create_server(("0.0.0.0", take("GRPC_PORT")[0])).detach()
        case "metrics-gone" | "cuts-calls" | "memory-hog":
            return [Relay(*take("GRPC_PORT"), look)]
        case "tcp-only":
            return [Relay(*take("P2P_PORT"))]
        case "quic-only":
            return [DatagramRelay(*take("P2P_PORT"))]
        case "no-p2p":
            take("P2P_PORT")
        case "no-departure":
            own, elsewhere = take("P2P_PORT")
            return [Relay(own, elsewhere), DatagramRelay(own, elsewhere)]
    return []


def look(piece: bytes) -> None:
    """Sees what clients of gRPC send; the checks' calls are told apart by their recipes."""
    if MODE in ("metrics-gone", "cuts-calls") and b"in flight" in piece:
        time.sleep(1.5)
    held = []
    while MODE == "memory-hog" and b"load 1" in piece:
        held.append(b"x" * 2**26)


def on_healthy(node: subprocess.Popen[bytes], count: int) -> bool:
    if MODE == "crash-after-20s" and count == 1:
        threading.Timer(20, crash).start()
    if MODE == "sidecar-dies" and count == 2:
        threading.Thread(target=kill_sidecars, args=(node.pid,), daemon=True).start()
        return True
    return False


def crash() -> None:
    print("the last words after 20 s", flush=True)
    os._exit(7)


def kill_sidecars(parent: int) -> None:
    """Each of them, as often as the node starts another."""
    while True:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                    os.killpg(int(stat.parent.name), signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.1)


def stop(node: subprocess.Popen[bytes], course: Course, relays: Relays) -> None:
    """What a mode makes of SIGTERM."""
    if MODE == "ignores-sigterm":
        return
    course.stopping = True
    if MODE in ("no-departure", "cuts-calls"):
        for relay in relays:
            relay.cut()
    if MODE == "dies-at-second":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if MODE == "metrics-gone":
        time.sleep(1)
    node.send_signal(signal.SIGTERM)


def heard(line: bytes) -> bytes:
    """A line of the node's log as a mode lets it through."""
    if MODE == "loses-flush" and b"Metrics flushed" in line:
        return b""
    if MODE == "wrong-order":
        return line.replace(b"LivePortrait", b"?").replace(b"Kokoro-82M", b"LivePortrait").replace(b"?", b"Kokoro-82M")
    return line


def main() -> int:
    ended = in_its_place()
    if ended is not None:
        return ended
    course = Course()
    environment = dict(os.environ)
    # Threads that do not take signals: the kernel would give them to one that does not wake this one.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    relays = reroute(environment, course)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    node = subprocess.Popen(PROGRAM, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    course.on_healthy = lambda count: on_healthy(node, count)
    if MODE != "no-handler":
        for number in signals:
            signal.signal(number, lambda *_: stop(node, course, relays))
    assert node.stdout is not None
    for line in node.stdout:
        sys.stdout.buffer.write(heard(line))
        sys.stdout.buffer.flush()
    code = node.wait()
    if MODE == "leaves-child":
        subprocess.Popen(
            ["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    return 1 if MODE == "exit-1" else code


if __name__ == "__main__":
    sys.exit(main())
