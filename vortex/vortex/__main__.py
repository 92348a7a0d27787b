"""`python3 -m vortex`: the sidecar's command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from vortex.sidecar import run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="vortex",
        description="Loads every model of MODELS_PATH/models.lock.json and stays until SIGTERM.",
        epilog="example: python3 -m vortex --models-path /models --check",
    )
    parser.add_argument(
        "--models-path",
        type=Path,
        default=Path(os.environ.get("MODELS_PATH") or "/models"),
        help="folder with the models and their lock (default: $MODELS_PATH, else /models)",
    )
    parser.add_argument("--socket", type=Path, help="the Director's Unix socket; without it only the log speaks")
    parser.add_argument("--check", action="store_true", help="load everything, then exit: 0 if all is well, else 1")
    options = parser.parse_args()
    return asyncio.run(run(options.models_path, options.socket, options.check))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread deep in a copy to the GPU must not hold up the end.
    os._exit(code)
