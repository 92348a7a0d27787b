"""As much of a Director as an acceptance needs to get to its slots. With SLOW=startup it is never healthy, with SLOW=slots no slot ends."""

import http.server
import json
import os
import socket
import threading

SLOW = os.environ["SLOW"]
METRICS = "# TYPE nsn_p2p_connected_peers gauge\nnsn_p2p_connected_peers 1\n# EOF\n"


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = METRICS if self.path == "/metrics" else json.dumps({"status": "unhealthy" if SLOW == "startup" else "healthy", "checks": {}})
        self.send_response(503 if SLOW == "startup" and self.path == "/health" else 200)
        self.send_header("content-type", "application/openmetrics-text; version=1.0.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    """RFC 9113, section 4.1"""
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def field(name: bytes, value: bytes) -> bytes:
    """RFC 7541, section 6.2.2"""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


UNIMPLEMENTED = b"\x88" + field(b"content-type", b"application/grpc") + field(b"grpc-status", b"12")


def converse(peer: socket.socket) -> None:
    """gRPC in which every call is UNIMPLEMENTED, but for slots that never end."""
    with peer, peer.makefile("rb") as incoming:
        incoming.read(24)
        peer.sendall(frame(4, 0, 0))
        while len(head := incoming.read(9)) == 9:
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            body = incoming.read(int.from_bytes(head[:3], "big"))
            if kind in (4, 6) and not flags & 1:
                peer.sendall(frame(kind, 1, 0, body if kind == 6 else b""))
            if kind == 0 and SLOW == "slots" and b"load " in body:
                print("a slot is asked for", flush=True)
            elif kind == 0:
                peer.sendall(frame(1, 5, stream, UNIMPLEMENTED))


def main() -> None:
    pages = http.server.ThreadingHTTPServer(("0.0.0.0", 9100), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    print("Loading One...\nAll models loaded. VRAM: 0.0 GB", flush=True)
    with socket.create_server(("0.0.0.0", 50051)) as server:
        while True:
            threading.Thread(target=converse, args=(server.accept()[0],), daemon=True).start()


main()
