"""The number in an id's text, in whatever spelling some backend would read it.

Backends read ids leniently, each in its own way: ``007``, ``+7``, ``7.0`` and ``7.json`` are 7 to
one and nothing to the other. The request goes to the side that made 7. If that side reads the text
as 7, it is the right one; if it does not, the resource is found on no side.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_MAX_DIGITS = 19
"""2**63 - 1, the largest id a database column holds, has 19 digits."""
_BEYOND = 10**_MAX_DIGITS
_LONGEST_BYTES = 256
"""Nobody's spelling of 19 digits is longer, escaped and in another script; a hostile one is."""
_NUMBER = re.compile(r"\s*\+?(\d+(?:_\d+)*)\s*(?:\..*)?")
"""What the `int` of Python takes for a whole number (other scripts' digits and underscores
included), perhaps with a fraction or a file's ending behind it."""


def number_of(text: bytes) -> int | None:
    """The number that an id's text can be read as, 0 to 10**19 - 1; None if it is no number.

    Args:
        text: A segment of a canonical path.
    """
    if text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    if len(text) > _LONGEST_BYTES:
        return None
    found = _NUMBER.fullmatch(unquote_to_bytes(text).decode("utf-8", "replace"))
    number = int(found[1]) if found else _BEYOND
    return number if number < _BEYOND else None
