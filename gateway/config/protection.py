"""The values of a backend's health, and of what happens when it fails: how each is written."""

from __future__ import annotations

from decimal import Decimal

from gateway.config import units
from gateway.config.scalars import Ambiguous
from gateway.config.wording import Refusal, quoted
from gateway.json_path import JsonPath, JsonPathError

UNAVAILABLE = "unavailable"
_TRUTHS = {"true": True, "false": False}
_FIRST_STATUS, _FIRST_ERROR, _LAST_STATUS = 200, 400, 599


def json_path(value: object) -> str:
    """A path into JSON that `gateway.json_path` takes."""
    written = units.text(value, example="$.error")
    try:
        return JsonPath(written).text
    except JsonPathError as error:
        raise Refusal(f"bad path {quoted(written)}: {error.message}", error.hint) from None


def json_value(value: object) -> str | int | float | bool:
    """A text, a number, or true and false as JSON has them."""
    match value:
        case str() | int():
            return value
        case Decimal():
            return float(value)
        case Ambiguous(text="true" | "false" as word):
            return _TRUTHS[word]
        case Ambiguous(reads_as="the boolean true" | "the boolean false" as boolean):
            right = boolean.split()[-1]
            message = f"YAML reads {value.text} as {boolean}"
            raise Refusal(message, f'write {right}, or "{value.text}" for a text')
        case Ambiguous():
            return units.text(value)
        case _:
            raise Refusal(f"must be a text, a number, true or false, not {units.shown(value)}")


def final_status(value: object) -> int:
    """A final status, 200 to 599."""
    return units.whole(value, least=_FIRST_STATUS, most=_LAST_STATUS)


def error_status(value: object) -> int:
    """The status of an error, 400 to 599."""
    return units.whole(value, least=_FIRST_ERROR, most=_LAST_STATUS)


def occasion(value: object) -> str:
    """On what another backend is asked: ``unavailable``."""
    written = units.text(value, example=UNAVAILABLE)
    if written != UNAVAILABLE:
        raise Refusal(f"bad occasion {quoted(written)}", f"the only one is {quoted(UNAVAILABLE)}")
    return written
