"""Slips of the finger that YAML reads as something else, and what was meant by them."""

from __future__ import annotations

import re

from gateway.config.wording import quoted

_KEY_AND_VALUE = re.compile(r"([A-Za-z_][\w.-]*):(?!//)([^\s:].*)", re.ASCII | re.DOTALL)
_LINE = re.compile(
    r"([ ]*(?:-[ ]+)?)([A-Za-z_][\w.-]*):(?!//)([^\s:][^\r\n]*?)[ ]*(?:\r|\n|\Z)", re.ASCII
)
_DASH = re.compile(r"([ ]*)-([^\s-][^\r\n]*)")
_WHOLE = re.compile(r"[0-9]{1,18}")
_FRACTION = re.compile(r"([0-9]{1,18})(ms|s|m|h|%)?")
_COMMA = re.compile(r"([0-9]+),([0-9]+)( *(?:ms|s|m|h|%)?)")
_THOUSANDS = 3


def key_and_value(text: str) -> tuple[str, str] | None:
    """The two parts of ``key:value``, where a space is missing; None if it is no such thing."""
    found = _KEY_AND_VALUE.fullmatch(text)
    return (found[1], found[2]) if found else None


def space_hint(text: str) -> str:
    """What to write for ``key:value``; empty if the text is no such thing."""
    parts = key_and_value(text)
    return f"write {quoted(': '.join(parts))}, with a space after the colon" if parts else ""


def decimal(whole: str, rest: str) -> str | None:
    """``5.5`` for a value ``5`` and a key ``5`` right behind its comma; None if that is no number.

    A unit may follow: ``1,5s`` is ``1.5s``.
    """
    if _WHOLE.fullmatch(whole) and _FRACTION.fullmatch(rest):
        return f"{whole}.{rest}"
    return None


def comma_hint(text: str) -> str:
    """What to write for ``5,5``, ``1,5s`` or ``1,000``; empty if the text is no such number."""
    parts = _COMMA.fullmatch(text)
    if parts is None:
        return ""
    whole, rest, unit = parts[1], parts[2], parts[3].rstrip("% ")
    point = f"write {whole}.{rest}{unit}, with a point"
    return f"{point}, or {whole}{rest}{unit}" if len(rest) == _THOUSANDS else point


def in_line(line: str) -> tuple[int, str, str] | None:
    """A slip that makes a line no YAML: (index of the character, message, hint), or None."""
    found = _LINE.match(line)
    if found is not None and ": " not in found[3].partition(" #")[0]:
        end = len(found[1]) + len(found[2])
        written = f"{found[2]}:{found[3]}"
        return end, f"no space after the colon of {quoted(written)}", space_hint(written)
    dash = _DASH.match(line)
    if dash is not None:
        begins = dash[2][:12] + ("..." if dash[2][12:] else "")
        return len(dash[1]), "no space after the dash of a list", f"write {quoted(f'- {begins}')}"
    return None
