"""What a plain (unquoted) scalar means: text, a number, nothing, or something nobody expected.

YAML 1.1, YAML 1.2 and people read ``NO``, ``012``, ``1:30`` or ``1e3`` in different ways. Here
only decimal numbers are numbers, and whatever any reader takes for something other than text is
`Ambiguous`: no key of routes.yaml accepts it, so it has to be quoted or written plainly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """A plain scalar that YAML does not read as it looks."""

    text: str
    """As written."""
    reads_as: str
    """What YAML makes of it, e.g. ``the boolean false``."""


Scalar = str | int | Decimal | Ambiguous | None

# At most 18 digits on either side: fits 64 bits, and costs nothing to convert.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")

# The scalars of YAML 1.1 (yaml.org/type) and of the core schema of YAML 1.2 that are not text.
_NOT_TEXT = tuple(
    (re.compile(pattern), reads_as)
    for pattern, reads_as in (
        (r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON", "the boolean true"),
        (r"n|N|no|No|NO|false|False|FALSE|off|Off|OFF", "the boolean false"),
        (r"[-+]?0[0-7_]+", "an octal number"),
        (r"0o[0-7]+", "an octal number"),
        (r"[-+]?0b[01_]+", "a binary number"),
        (r"[-+]?0x[0-9a-fA-F_]+", "a hexadecimal number"),
        (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", "a number in base 60"),
        (r"[-+]?[0-9][0-9_]*", "a number"),
        (r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+", "a number with an exponent"),
        (r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)", "a number"),
        (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "a special number"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?", "a date"),
    )
)
_LONGEST = 64
"""Longer scalars are not tried against the patterns, as some take time in the square of it."""
_LONG_NUMBER = ((re.compile(r"[-+.:_0-9]+"), "a number"),)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_CAN_SURPRISE = frozenset("0123456789-+.~nNyYtTfFoO")


def read_plain(text: str) -> Scalar:
    """The value of a plain scalar; None for nothing, `Ambiguous` for what may surprise."""
    if text[:1] not in _CAN_SURPRISE and text:
        return text
    if text in _NOTHING:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return _surprise(text) or text


def _surprise(text: str) -> Ambiguous | None:
    patterns = _NOT_TEXT if len(text) <= _LONGEST else _LONG_NUMBER
    for pattern, reads_as in patterns:
        if pattern.fullmatch(text):
            return Ambiguous(text=text, reads_as=reads_as)
    return None
