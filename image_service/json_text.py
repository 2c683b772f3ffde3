"""The one place that reads JSON from outside, decided purely.

Two manners: as the monolith's framework reads it (a name twice, ``NaN``, half of a surrogate pair:
all pass), for the surface that both have; and strictly, as I-JSON has it (RFC 7493), elsewhere.
Neither ever raises anything but ``JsonError``, whatever comes.
"""

from __future__ import annotations

import json
from typing import Literal, NoReturn

Fault = Literal["not-json", "too-deep", "repeated-name", "not-finite", "not-text"]

SENTENCES: dict[Fault, str] = {
    "not-json": "The body is not JSON.",
    "too-deep": "The body is nested too deep.",
    "repeated-name": "A name stands twice in one object.",
    "not-finite": "NaN and Infinity are no numbers of JSON.",
    "not-text": "A text holds half of a surrogate pair.",
}


class JsonError(ValueError):
    """It cannot be read; ``fault`` says why, and nothing of what was sent is repeated."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(SENTENCES[fault])
        self.fault = fault


def read_json(text: bytes | str) -> object:
    """Read JSON as the monolith does: in UTF-8, -16 or -32, with or without a BOM.

    Raises:
        JsonError: It is not JSON, or nested too deep.
    """
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise JsonError("too-deep") from error
    except ValueError as error:
        # Also numbers of so many digits that reading them would take forever.
        raise JsonError("not-json") from error
    return value


def read_strict_json(text: bytes | str) -> object:
    """Read JSON that means one thing alone.

    Raises:
        JsonError: For the first thing that is wrong.
    """
    try:
        value: object = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        # Writing it is the shortest way past every text within.
        json.dumps(value, ensure_ascii=False).encode()
    except JsonError:
        raise
    except RecursionError as error:
        raise JsonError("too-deep") from error
    except UnicodeEncodeError as error:
        raise JsonError("not-text") from error
    except ValueError as error:
        raise JsonError("not-json") from error
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise JsonError("repeated-name")
    return value


def _constant(_name: str) -> NoReturn:
    raise JsonError("not-finite")
