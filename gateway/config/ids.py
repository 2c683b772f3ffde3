"""How ids are told apart and found: what they begin with, and where a record has its own."""

from __future__ import annotations

import re

from gateway.config.units import text
from gateway.config.wording import Refusal, quoted

_PREFIX = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~:-]{0,62}")
_JSON_PATH = re.compile(r"\$((?:\.[A-Za-z_][A-Za-z0-9_-]{0,62}){1,8})")


def id_prefix(value: object) -> str:
    """What a backend's ids begin with: characters that stand for themselves in a path."""
    written = text(value, example='"img_"')
    if not _PREFIX.fullmatch(written):
        raise Refusal(
            f"bad prefix {quoted(written)}",
            "1 to 63 of: letters, digits, _ - ~ and, behind the first, : and .",
        )
    return written


def json_keys(value: object) -> tuple[str, ...]:
    """``$.id`` or ``$.image.id``: the keys from a record to its id."""
    written = text(value, example='"$.id"')
    parts = _JSON_PATH.fullmatch(written)
    if parts is None:
        raise Refusal(f"bad path {quoted(written)}", 'write it like "$.id" or "$.image.id"')
    return tuple(parts[1].split(".")[1:])
