"""Regular expressions of whole paths: RE2's, which take one step for each byte of a path."""

from __future__ import annotations

import re

from gateway.config.units import text
from gateway.config.wording import Refusal, quoted, shorten
from gateway.routing.pattern import PROGRAM_LIMIT, PatternError, first_bytes, program_size

LONGEST = 500
"""Characters: what is longer, nobody reads at three in the morning."""
_EXAMPLE = "'/images/[0-9]+/thumbnail'"
_LOWER_ESCAPE = re.compile(r"%(?=[0-9A-Fa-f]{2})(?:[0-9A-F][a-f]|[a-f][0-9A-Fa-f])")
_DISPUTED = re.compile(r"%(?:2F|3B|5C)")
_NOT_LINEAR = "it needs more than one pass over a path"
_BACKWARDS = re.compile(r"\{(\d+),(\d+)\}")

# The beginning of RE2's text -> (message, hint); what follows the colon is the part that it means.
_WORDS = {
    "missing )": ("a ( is never closed", "a bracket that is meant itself is written \\("),
    "unexpected )": ("a ) closes nothing", "a bracket that is meant itself is written \\)"),
    "missing ]": ("a [ is never closed", "a bracket that is meant itself is written \\["),
    "no argument for repetition operator": ("nothing stands before {part} to repeat", ""),
    "bad repetition operator": ("{part} is not supported: one repetition of another", ""),
    "invalid repetition size": (
        "{part} counts too far: at most 1000, nested ones multiplied",
        "write + or *, which have no end",
    ),
    "pattern too large": ("it counts too far", "write + or *, which have no end"),
    "trailing \\": ("a \\ at the end means nothing", ""),
    "invalid character class": ("bad class {part}", "write it like [a-z0-9]"),
    "invalid named capture group": ("bad group {part}", "write ( ): groups need no names here"),
}


def pattern(value: object) -> str:
    """A pattern for the whole of a canonical path.

    Raises:
        Refusal: it is no regular expression, could take more than linear time, is too large, or
            can match no path.
    """
    written = text(value, example=_EXAMPLE)
    if len(written) > LONGEST:
        raise Refusal(f"a pattern of {len(written):,} characters; the limit is {LONGEST}")
    if not written.isascii() or not written.isprintable():
        raise Refusal(
            f"bad pattern {quoted(written)}: paths are ASCII",
            "percent-encode it, in upper case: %C3%A9",
        )
    _refuse_escapes(written)
    try:
        size = program_size(written)
    except PatternError as error:
        raise _in_plain_words(written, str(error)) from None
    if size > PROGRAM_LIMIT:
        raise Refusal(
            f"bad pattern {quoted(written)}: it compiles to {size:,} steps; "
            f"the limit is {PROGRAM_LIMIT}",
            "count less far, or write + or *",
        )
    _refuse_no_path(written)
    return written


def _refuse_escapes(written: str) -> None:
    """Canonical paths have escapes in upper case, and not those that backends disagree on."""
    lower = _LOWER_ESCAPE.search(written)
    if lower is not None:
        escape = written[lower.start() : lower.start() + 3]
        raise Refusal(f"bad pattern {quoted(written)}: {escape}", f"write {escape.upper()}")
    disputed = _DISPUTED.search(written)
    if disputed is not None:
        raise Refusal(
            f"bad pattern {quoted(written)}: backends disagree on what {disputed[0]} means",
            "requests that depend on it are refused",
        )


def _refuse_no_path(written: str) -> None:
    """A path starts with a slash."""
    bounds = first_bytes(written, 1)
    if bounds is None or not (bounds[1] < b"/" or bounds[0] >= b"0"):
        return
    slashed = "/" + written.removeprefix("^")
    raise Refusal(
        f"bad pattern {quoted(written)}: it matches no path, for those start with /",
        f"write {quoted(slashed)}",
    )


def _in_plain_words(written: str, said: str) -> Refusal:
    kind, _, part = said.partition(": ")
    start = f"bad pattern {quoted(written)}: "
    if kind == "invalid perl operator":
        what = "look-around" if part[2:3] in {"=", "!", "<"} else "this kind of group"
        return Refusal(f"{start}{what} {shorten(part)} is not supported: {_NOT_LINEAR}")
    if kind == "invalid escape sequence":
        if part[1:2].isdigit() or part[1:2] == "k":
            return Refusal(f"{start}back-reference {shorten(part)} is not supported: {_NOT_LINEAR}")
        return Refusal(f"{start}{shorten(part)} has no meaning", "\\z is the end of the path")
    counts = _BACKWARDS.fullmatch(part)
    if counts is not None and int(counts[2]) < int(counts[1]):
        return Refusal(f"{start}{part} ends before it begins")
    for beginning, (message, hint) in _WORDS.items():
        if kind.startswith(beginning):
            return Refusal(start + message.format(part=shorten(part)), hint)
    return Refusal(f"{start}no regular expression: {shorten(said)}")
