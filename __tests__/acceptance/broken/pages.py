"""The node's pages, /health and /metrics, as a mode would have them."""

import http.server
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace

VRAM = rb"(?m)^(nsn_vortex_vram_usage_bytes) .*$"
ROUNDS = b"nsn_bft_round_duration_seconds"


@dataclass
class Page:
    status: int
    body: bytes
    kind: str


@dataclass
class Course:
    """What a run has come to, and what a mode does at it."""

    #: Told how often /health was about to answer 200; gives whether the node is to be asked until it answers something else.
    on_healthy: Callable[[int], bool] = lambda _: False
    healthy: int = 0
    stopping: bool = False


def metrics(mode: str, page: Page, stopping: bool, vram_bytes: str) -> Page:
    if mode == "metrics-500" or (mode == "metrics-gone" and stopping):
        return Page(500, b"out of order", "text/plain")
    body = page.body
    match mode:
        case "missing-metric":
            body = re.sub(VRAM + rb"\n", b"", body)
        case "no-eof":
            body = body.replace(b"# EOF\n", b"")
        case "negative":
            body = re.sub(VRAM, rb"\1 -1", body)
        case "wrong-type":
            body = body.replace(ROUNDS + b" histogram", ROUNDS + b" gauge")
        case "not-cumulative":
            body = re.sub(ROUNDS + rb'(_bucket\{le="0\.[^}]*\}) \d+', ROUNDS + rb"\1 1000000", body, count=1)
        case "on-a-card":
            body = re.sub(VRAM, rb"\1 " + vram_bytes.encode(), body)
    return replace(page, body=body)


def health(mode: str, page: Page, was_healthy: bool) -> Page:
    match mode:
        case "wrong-body":
            return replace(page, body=b'{"ok":true}')
        case "always-healthy" | "crash-after-20s" if was_healthy:
            return replace(page, status=200, body=page.body.replace(b"unhealthy", b"healthy"))
    return page


def serve(mode: str, own: int, upstream: int, course: Course, vram_bytes: str) -> None:
    """Serves the port `own` in front of the node's."""

    def ask(path: str, headers: dict[str, str]) -> Page:
        request = urllib.request.Request(f"http://127.0.0.1:{upstream}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return Page(answer.status, answer.read(), answer.headers["content-type"])
        except urllib.error.HTTPError as error:
            return Page(error.code, error.read(), error.headers["content-type"])

    class Front(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if mode == "hung-health" and self.path == "/health":
                time.sleep(3600)
            try:
                page = self.page(dict(self.headers))
            except OSError:
                return  # not there yet, or not any more: no answer
            self.send_response(page.status)
            self.send_header("content-type", page.kind or "text/plain")
            self.send_header("content-length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def page(self, headers: dict[str, str]) -> Page:
            page = ask(self.path, headers)
            if self.path == "/metrics":
                return metrics(mode, page, course.stopping, vram_bytes)
            if self.path == "/health" and page.status == 200:
                course.healthy += 1
                if course.on_healthy(course.healthy):
                    page = self.page_once_unhealthy(headers)
            return health(mode, page, course.healthy > 0) if self.path == "/health" else page

        def page_once_unhealthy(self, headers: dict[str, str]) -> Page:
            """Within what a check has patience for."""
            until = time.monotonic() + 2.5
            while (page := ask(self.path, headers)).status == 200 and time.monotonic() < until:
                time.sleep(0.1)
            return page

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("0.0.0.0", own), Front)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
