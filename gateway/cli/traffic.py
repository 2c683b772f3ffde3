"""Recorded traffic: files of any size, plain or gzip, or standard input, as lines."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

STDIN = Path("-")
_CHUNK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 1 << 20
"""Sixteen times the longest head; a file without newlines must not be read into memory whole."""
_GZIP = b"\x1f\x8b"


class Traffic:
    """One file of recorded traffic."""

    def __init__(self, path: Path) -> None:
        """Read `path`; ``-`` is standard input."""
        self._path = path
        self.name = "standard input" if path == STDIN else path.name
        self.cut_short = ""
        """Why a compressed file could not be read to its end; what came before counts."""

    def batches(self) -> Iterator[list[bytes]]:
        """Its lines without their newlines, some thousands at a time.

        Raises:
            OSError: It cannot be read.
        """
        if self._path == STDIN:
            yield from self._lines(sys.stdin.buffer)
            return
        with self._path.open("rb") as file:
            yield from self._lines(file)

    def _lines(self, stream: BinaryIO) -> Iterator[list[bytes]]:
        file = stream if isinstance(stream, BufferedReader) else BufferedReader(cast("Any", stream))
        is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
        plain = gzip.GzipFile(fileobj=file) if is_packed else file
        rest = b""
        while chunk := self._read(plain):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE_BYTES:
                # A line of its own, and a foreign one; what follows of it is another.
                lines.append(rest[:_LONGEST_LINE_BYTES])
                rest = b""
            yield lines
        if rest:
            yield [rest]

    def _read(self, file: BufferedReader | gzip.GzipFile) -> bytes:
        try:
            return file.read1(_CHUNK_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            self.cut_short = str(error)
            return b""
