"""The values of a parallel run: how each is written."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeVar, get_args

from gateway.config import units
from gateway.config.scalars import Ambiguous
from gateway.config.urls import expand
from gateway.config.wording import Refusal, quoted
from gateway.parallel_run.compare.rules import PathError, check_path
from gateway.parallel_run.plan import Normaliser, Writes

WRITES: tuple[Writes, ...] = get_args(Writes)
NORMALISERS: tuple[Normaliser, ...] = get_args(Normaliser)
Looks = Literal["pixels", "perceptual", "exchangeable", "contract"]
LOOKS: tuple[Looks, ...] = get_args(Looks)
MOST_PER_SECOND = 10_000
MOST_PER_DAY = 1_000_000_000
MOST_IN_FLIGHT = 256
"""Each may hold two answers of 8 MiB in control's memory."""
LEAST_CONFIDENCE, MOST_CONFIDENCE = 50, 99.999
MOST_RATIO = 100
LONGEST_REASON = 300
_VALUE = re.compile(r"[!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?")
_HTML = re.compile(r"(?:/[A-Za-z][\w.-]*)+(?:/@[A-Za-z][\w.-]*)?", re.ASCII)
OURS = frozenset({"connection", "content-length", "host", "te", "trailer", "transfer-encoding"})
"""Headers that say how a message crosses, or whom it is for: both sides get the same."""
_TRUTHS = {"the boolean true": True, "the boolean false": False}
_Word = TypeVar("_Word", bound=str)


def share_buckets(value: object) -> int:
    """``20%`` in buckets of 100,000: above 0, at most 100 %."""
    percent = units.share_percent(value)
    if not percent:
        raise Refusal(f"{quoted(str(value))} is out of range: above 0%, at most 100%")
    return round(percent * units.BUCKETS_PER_PERCENT)


def rate(value: object) -> float:
    """``0.1%`` as a part of 1: above 0, below 100 %."""
    percent = units.share_percent(value)
    if not 0 < percent < 100:  # noqa: PLR2004 - percent
        raise Refusal(f"{quoted(str(value))} is out of range: above 0%, below 100%")
    return percent / 100


def part(value: object) -> float:
    """``5%`` as a part of 1: 0 to 100 %."""
    return units.share_percent(value) / 100


def confidence(value: object) -> float:
    """``95%`` as a part of 1: at least 50 %, below 100 %."""
    percent = units.share_percent(value)
    if not LEAST_CONFIDENCE <= percent <= MOST_CONFIDENCE:
        raise Refusal(f"{quoted(str(value))} is out of range: at least 50%, at most 99.999%")
    return percent / 100


def per_second(value: object) -> float:
    """Trials a second, above 0."""
    return _number(value, least=0, most=MOST_PER_SECOND, is_above=True)


def per_day(value: object) -> int:
    """Trials a day (UTC)."""
    return units.whole(value, least=1, most=MOST_PER_DAY)


def in_flight(value: object) -> int:
    """Trials at a time, 1 to 256."""
    return units.whole(value, least=1, most=MOST_IN_FLIGHT)


def ratio(value: object) -> float:
    """How many times as long, 1 to 100."""
    return _number(value, least=1, most=MOST_RATIO)


def absolute(value: object) -> float:
    """A difference of numbers, above 0."""
    return _number(value, least=0, most=10**18, is_above=True)


def distance(value: object) -> float:
    """A perceptual distance, 0 to 1."""
    return _number(value, least=0, most=1)


def truth(value: object) -> bool:
    """``true`` or ``false``."""
    if isinstance(value, Ambiguous) and value.text in {"true", "false"}:
        return _TRUTHS[value.reads_as]
    raise Refusal(f"must be true or false, not {units.shown(value)}")


def writes(value: object) -> Writes:
    """How unsafe methods are repeated."""
    return _word(value, WRITES, "mode")


def normaliser(value: object) -> Normaliser:
    """The form that values are brought to."""
    return _word(value, NORMALISERS, "form")


def looks(value: object) -> Looks:
    """What is asked of pictures."""
    return _word(value, LOOKS, "way to compare pictures")


def json_place(value: object) -> str:
    """A JSONPath (RFC 9535) that leaves something to compare."""
    text = units.text(value, example="$.created_at")
    try:
        check_path(text)
    except PathError as error:
        raise Refusal(str(error)) from None
    return text


def html_place(value: object) -> str:
    """A path of elements, at its end perhaps an attribute: ``/html/body/form/input/@value``."""
    text = units.text(value, example="/html/body/p")
    if not _HTML.fullmatch(text):
        hint = "elements from the root, as mismatches show them: /html/body/form/input/@value"
        raise Refusal(f"bad path of elements {quoted(text)}", hint)
    if text in {"/html", "/html/body"}:
        raise Refusal(f"{quoted(text)} covers everything: nothing would be compared any more")
    return text


def because(value: object) -> str:
    """A reason, in words."""
    text = units.text(value).strip()
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        raise Refusal("a reason in words, on one line", "say why the difference does not matter")
    return text


def until(value: object) -> str:
    """A date that exists, ``"2027-06-30"``."""
    text = units.text(value)
    try:
        is_date = datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_date = False
    if not is_date:
        raise Refusal(f"bad date {quoted(text)}", 'write it like "2027-06-30"')
    return text


def header_name(value: object) -> str:
    """The name of a header that trials may set."""
    name = units.token(value)
    if name.lower() in OURS or name.lower().startswith("x-figueira-"):
        raise Refusal(f"{quoted(name)} cannot be set: it is the gateway's own")
    return name


def header_value(value: object, environment: Mapping[str, str]) -> str:
    """A header's value, ``${VAR}`` filled in; what it holds then is never shown."""
    found = expand(units.text(value), environment)
    if not _VALUE.fullmatch(found):
        raise Refusal(
            "not the value of a header", "visible characters, without space at either end"
        )
    return found


def _word(value: object, words: tuple[_Word, ...], what: str) -> _Word:
    written = units.text(value)
    for known in words:
        if written == known:
            return known
    raise Refusal(f"bad {what} {quoted(written)}", f"one of: {', '.join(words)}")


def _number(value: object, *, least: int, most: int, is_above: bool = False) -> float:
    if not isinstance(value, int | Decimal):
        raise Refusal(f"must be a number, not {units.shown(value)}")
    if not least <= value <= most or (is_above and value == least):
        bounds = f"above {least}" if is_above else f"at least {least}"
        raise Refusal(f"must be {bounds} and at most {most:,}, not {value}")
    return float(value)
