"""The file's bytes -> text: size, encoding and characters are settled before any parsing."""

from __future__ import annotations

import re

from gateway.config.report import Place
from gateway.errors import ConfigError, Problem

SIZE_LIMIT_BYTES = 1 << 20
"""1 MiB holds 5,000 routes; a larger file is no routes.yaml and must cost nothing."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What YAML does not allow, and the characters that some readers take for line breaks and others
# do not: line numbers would differ.
_FORBIDDEN = re.compile(
    "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def too_large(size_bytes: int) -> ConfigError:
    """What is said of a file above the limit; usable before the file has been read."""
    message = f"the file has {size_bytes:,} bytes; the limit is {SIZE_LIMIT_BYTES:,} bytes (1 MiB)"
    return ConfigError([Problem(line=None, column=None, path="", message=message)])


def decode(source: bytes) -> str:
    """The file as text; a byte order mark is dropped.

    Raises:
        ConfigError: too large, not UTF-8, or a character that YAML does not allow.
    """
    if len(source) > SIZE_LIMIT_BYTES:
        raise too_large(len(source))
    source = source.removeprefix(BYTE_ORDER_MARK)
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        before = source[: error.start].decode()
        raise problem_at(
            place_of(before, len(before)),
            f"byte 0x{source[error.start]:02X} is not UTF-8",
            "save the file as UTF-8",
        ) from None
    found = _FORBIDDEN.search(text)
    if found is not None:
        place = place_of(text, found.start())
        raise problem_at(place, f"character U+{ord(found[0]):04X} is not allowed", "remove it")
    return text


def place_of(text: str, index: int) -> Place:
    """Line and column of the character at `index`."""
    line, start = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, start = line + 1, line_break.end()
    return line, index - start + 1


def index_of(text: str, place: Place) -> int:
    """Where the character at a line and column is: the inverse of `place_of`."""
    line, column = place
    start = 0
    for _, line_break in zip(range(line - 1), _LINE_BREAK.finditer(text), strict=False):
        start = line_break.end()
    return start + column - 1


def problem_at(place: Place, message: str, hint: str = "") -> ConfigError:
    """One problem of the file as a whole, after which nothing more can be said."""
    line, column = place
    return ConfigError([Problem(line=line, column=column, path="", message=message, hint=hint)])
