"""A Director with a careless end: careless.py PROGRAM starts the real one without METRICS_FILE, with a sidecar that is deaf to
SIGTERM, and takes five seconds more than it."""

import os
import signal
import subprocess
import sys
import time

DEAF = "sh -c 'trap \"\" TERM; python3 -m vortex \"$@\"; true' sh"

environment = {name: value for name, value in os.environ.items() if name != "METRICS_FILE"}
node = subprocess.Popen(sys.argv[1:], env={**environment, "VORTEX_COMMAND": DEAF})
signal.signal(signal.SIGTERM, lambda *_: node.send_signal(signal.SIGTERM))
code = node.wait()
time.sleep(5)
sys.exit(code)
