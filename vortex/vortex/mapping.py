"""A file in memory that can also be read as a file."""

from __future__ import annotations

import mmap


class MappedFile(mmap.mmap):
    def seekable(self) -> bool:
        """zipfile asks for it, and mmap has it by itself from Python 3.13 on only."""
        return True
