"""A Director that is not fit to run: broken.py MODE PROGRAM starts the real one and breaks it from outside, as MODE says."""

import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

MODE, PROGRAM = sys.argv[1], sys.argv[2:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Front(http.server.BaseHTTPRequestHandler):
    """The node's pages, as MODE would have them."""

    upstream = 0

    def do_GET(self) -> None:
        if MODE == "hung-health" and self.path == "/health":
            time.sleep(3600)
        request = urllib.request.Request(f"http://127.0.0.1:{self.upstream}{self.path}", headers=dict(self.headers))
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                status, body, kind = answer.status, answer.read(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            status, body, kind = error.code, error.read(), error.headers["content-type"]
        except OSError:
            return
        if self.path == "/metrics":
            if MODE == "missing-metric":
                body = b"".join(l for l in body.splitlines(True) if b"nsn_vortex_vram_usage_bytes" not in l)
            # Only to who asks for Prometheus' text: the other checks read OpenMetrics, and see what they would of the real node.
            if "openmetrics" not in self.headers.get("accept", ""):
                if MODE == "metrics-500":
                    status = 500
                if MODE == "wrong-type":
                    body = re.sub(rb"(# TYPE nsn_bft_round_duration_seconds) histogram", rb"\1 gauge", body)
                if MODE == "not-cumulative":
                    body = re.sub(rb'(nsn_bft_round_duration_seconds_bucket\{[^}]*le="0\.[^}]*\}) \d+', rb"\1 1000000", body, count=1)
        if self.path == "/health" and MODE == "wrong-body":
            body = b'{"ok":true}'
        if self.path == "/health" and MODE == "always-healthy":
            status, body = 200, body.replace(b"unhealthy", b"healthy")
        self.send_response(status)
        self.send_header("content-type", kind or "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> int:
    if MODE == "slow-start":
        time.sleep(3600)
    if MODE == "crash":
        print("the last words of a crash", flush=True)
        return 7
    if MODE == "new-identity":
        key = os.path.join(os.environ["DATA_PATH"], "peer.key")
        if os.path.exists(key):
            os.remove(key)
    own = int(os.environ["METRICS_PORT"])
    Front.upstream = free_port()
    node = subprocess.Popen(
        PROGRAM, env={**os.environ, "METRICS_PORT": str(Front.upstream)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None if MODE == "ignores-sigterm" else node.send_signal(signal.SIGTERM))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", own), Front)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert node.stdout is not None
    for line in node.stdout:
        if MODE == "loses-flush" and b"Metrics flushed" in line:
            continue
        if MODE == "wrong-order":
            line = line.replace(b"LivePortrait", b"?").replace(b"Kokoro-82M", b"LivePortrait").replace(b"?", b"Kokoro-82M")
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    code = node.wait()
    if MODE == "leaves-child":
        subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 1 if MODE == "exit-1" else code


if __name__ == "__main__":
    sys.exit(main())
