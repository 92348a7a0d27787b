"""A source on loopback that serves bytes with Range, and fails as it is told to, one request after the other."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Fault = Callable[["Request", bytes], None]
"""Answers one request for a file in place of the server."""


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Source

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        data = self.server.files.get(self.path)
        faults = self.server.faults.get(self.path)
        if faults:
            faults.pop(0)(self, data or b"")
        elif data is None:
            self.reply(404, b"Entry not found")
        else:
            self.serve(data)

    def serve(self, data: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None:
            self.reply(200, data)
            return
        begin = int(asked.group(1))
        self.reply(206, data[begin:], {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"})

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None) -> None:
        """Sends a body, with another Content-Length than its own where one is given (the rest never comes)."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


class Source(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files: dict[str, bytes], host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), Request)
        self.files = files
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.url = f"http://{host}:{self.server_port}"

    def ranges(self, path: str) -> list[str | None]:
        return [headers.get("Range") for asked, headers in self.requests if asked == path]

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what some tests are about."""

    def __enter__(self) -> Source:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


def cut(after: int) -> Fault:
    """Breaks the connection after so many bytes of what was asked for."""

    def fault(request: Request, data: bytes) -> None:
        request.reply(200, data[:after], length=len(data))
        request.close_connection = True

    return fault


def stall(after: int) -> Fault:
    """Sends so many bytes, then nothing, and keeps the connection."""

    def fault(request: Request, data: bytes) -> None:
        request.reply(200, data[:after], length=len(data))
        server = request.server
        server.over.wait(30)
        request.close_connection = True

    return fault


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, _: request.reply(code, body, named)


def instead(body: bytes, content_type: str = "application/octet-stream") -> Fault:
    """Other bytes than the file's."""
    return lambda request, _: request.reply(200, body, {"Content-Type": content_type})


def endless(body: bytes) -> Fault:
    """Sends bytes without saying how many, and closes."""

    def fault(request: Request, _: bytes) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True

    return fault
