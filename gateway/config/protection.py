"""The values of a backend's health, and of what happens when it fails: how each is written."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.config import paths, units
from gateway.config.scalars import Ambiguous
from gateway.config.wording import Refusal, quoted
from gateway.json_path import JsonPath, JsonPathError

UNAVAILABLE = "unavailable"
_TRUTHS = {"true": True, "false": False}
_QUERY = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*")
MOST_IN_A_ROW = 100
MOST_OUTCOMES = 100_000
FIRST_STATUS, FIRST_ERROR, LAST_STATUS = 200, 400, 599


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
    return units.whole(value, least=FIRST_STATUS, most=LAST_STATUS)


def error_status(value: object) -> int:
    """The status of an error, 400 to 599."""
    return units.whole(value, least=FIRST_ERROR, most=LAST_STATUS)


def probe_path(value: object) -> str:
    """The target of a probe: a path in canonical spelling, perhaps with a query."""
    written = units.text(value, example="/readyz")
    path, mark, query = written.partition("?")
    paths.exact(path)
    if not _QUERY.fullmatch(query):
        raise Refusal(f"bad query in {quoted(written)}", "percent-encode it")
    return path + mark + query


def threshold(value: object) -> int:
    """Results in a row, 1 to 100."""
    return units.whole(value, least=1, most=MOST_IN_A_ROW)


def min_requests(value: object) -> int:
    """Outcomes that say something, 1 to 100,000."""
    return units.whole(value, least=1, most=MOST_OUTCOMES)


def share(value: object) -> float:
    """``50%`` as a part of 1: above 0, at most 100 %, with up to three decimals."""
    percent = units.share_percent(value)
    if not percent:
        raise Refusal(f"{quoted(str(value))} is out of range: above 0%, at most 100%")
    return percent / 100


def window_s(value: object) -> float:
    """A duration of at least a second: what happens is looked at four times in each."""
    seconds = units.duration_s(value)
    if seconds < 1:
        raise Refusal(f"{quoted(str(value))} is too short", "at least 1s")
    return seconds


def occasion(value: object) -> str:
    """On what another backend is asked: ``unavailable``."""
    written = units.text(value, example=UNAVAILABLE)
    if written != UNAVAILABLE:
        raise Refusal(f"bad occasion {quoted(written)}", f"the only one is {quoted(UNAVAILABLE)}")
    return written
