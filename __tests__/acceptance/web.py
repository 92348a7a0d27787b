"""A program with /health and nothing else: web.py MODE."""

import http.server
import os
import sys
import time
from pathlib import Path

MODE = sys.argv[1]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if MODE == "slow-answer":
            time.sleep(2.5)
        checks = ",".join(f'"{name}":{{"ok":true,"detail":""}}' for name in ("p2p_connected", "models_loaded", "chain_synced"))
        body = f'{{"status":"healthy","version":"1","checks":{{{checks}}}}}'.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


print("begun", flush=True)
if MODE == "crashes-once":
    before = Path(sys.argv[2])
    if not before.exists():
        before.touch()
        print("the last words of the first start", flush=True)
        sys.exit(7)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["METRICS_PORT"])), Page).serve_forever()
