"""The small values of routes.yaml: how each is written, and what is said when it is not.

Every parser takes whatever stood in the document and returns the value or raises `Refusal`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from gateway.config.scalars import Ambiguous
from gateway.config.slips import comma_hint
from gateway.config.wording import Refusal, quoted, shorten
from gateway.routing.snapshot import BUCKETS

VERSION = 1
LONGEST_S = 3600
"""An hour: a longer wait inside one request is a mistake in the unit."""
MOST_CONNECTIONS = 65_535
"""Ports of one address: more connections to one backend cannot exist."""
LAST_ID = 2**63 - 1
"""The largest id that a 64-bit database column holds."""
MOST_ALTERNATIVES = 32
"""Hosts or methods of one match: twice what the Gateway API allows. Each pair of them is looked at
when routes are held against each other."""
BUCKETS_PER_PERCENT = BUCKETS // 100
REST: Literal["rest"] = "rest"

Order = Literal["ascending", "descending", "as_listed"]
_ORDERS: tuple[Order, ...] = get_args(Order)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z-]+")  # a token without lower-case letters
_FIELD_VALUE = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")  # no outer space, ASCII alone
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60)}
_RANGE = re.compile(r"(0|[1-9][0-9]*)\.\.(0|[1-9][0-9]*)?")
_A_DURATION = '"250ms", "1.5s" or "2m"'
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
_A_SHARE = "10% or 0.5%"
_A_RANGE = '"1..1000" or "1001.."'
_A_NETWORK = '"10.0.0.0/8" or "fd00::/8"'
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")


def shown(value: object) -> str:
    """A value as it is shown inside a sentence: ``"text"``, ``the number 5``, ``a list``."""
    match value:
        case str():
            return quoted(value)
        case Ambiguous():
            return shorten(value.text)
        case int() | Decimal():
            return f"the number {value}"
        case None:
            return "nothing"
        case list():
            return "a list"
        case _:
            return "a mapping"


def text(value: object, *, example: str = "") -> str:
    """Text; an unquoted number, date or boolean is refused.

    Args:
        value: Whatever stood there.
        example: What to write instead; without it, the value in quotes.
    """
    hint = f"write it like {example}" if example else ""
    match value:
        case str():
            return value
        case Ambiguous():
            raise Refusal(
                f"must be text, but YAML reads {shorten(value.text)} as {value.reads_as}",
                hint or f"quote it: {quoted(value.text)}",
            )
        case int() | Decimal():
            raise Refusal(f"must be text, not the number {value}", hint or f'quote it: "{value}"')
        case _:
            raise Refusal(f"must be text, not {shown(value)}", hint)


def version(value: object) -> int:
    """The language's version: 1."""
    if not isinstance(value, int):
        raise Refusal(f"must be the number {VERSION}, not {shown(value)}")
    if value != VERSION:
        raise Refusal(f"{value} is not supported", f"this release reads version {VERSION}")
    return VERSION


def name(value: object) -> str:
    """A route's or backend's name."""
    written = text(value)
    if not _NAME.fullmatch(written):
        raise Refusal(
            f"bad name {quoted(written)}",
            "a lower-case letter, then up to 62 of: lower-case letters, digits, _ and -",
        )
    return written


def duration_s(value: object) -> float:
    """``250ms``, ``1.5s``, ``2m`` in seconds: above 0, at most an hour."""
    if isinstance(value, int | Decimal):
        raise Refusal(f"a duration needs a unit, not {shown(value)}", f'write "{value}s"')
    written = text(value, example=_A_DURATION)
    parts = _DURATION.fullmatch(written)
    if parts is None:
        hint = comma_hint(written) or f"write it like {_A_DURATION}"
        raise Refusal(f"bad duration {quoted(written)}", hint)
    seconds = Decimal(parts[1]) * _SECONDS[parts[2]]
    if not 0 < seconds <= LONGEST_S:
        raise Refusal(f"{quoted(written)} is out of range: above 0, at most 60m")
    return float(seconds)


def connections(value: object) -> int:
    """A number of connections, 1 to 65,535."""
    return whole(value, least=1, most=MOST_CONNECTIONS)


def waiting(value: object) -> int:
    """A number of requests that wait for a connection, 0 to 65,535."""
    return whole(value, least=0, most=MOST_CONNECTIONS)


def whole(value: object, *, least: int, most: int) -> int:
    """A whole number within bounds, both included."""
    if not isinstance(value, int):
        hint = comma_hint(value) if isinstance(value, str) else _plainly(value)
        raise Refusal(f"must be a whole number, not {shown(value)}", hint)
    if not least <= value <= most:
        raise Refusal(f"must be between {least} and {most}, not {value}")
    return value


def weight(value: object) -> int | Literal["rest"]:
    """A percentage with up to three decimals, as a number of buckets, or ``rest``."""
    if value == REST:
        return REST
    if not isinstance(value, int | Decimal):
        hint = _plainly(value)
        if isinstance(value, str):
            hint = comma_hint(value)
            if re.fullmatch(r"[0-9]+(?:\.[0-9]+)? *%?", value):
                hint = f"write {value.rstrip('% ')}, without quotes or %"
        raise Refusal(f"must be a number of percent or rest, not {shown(value)}", hint)
    if not 0 <= value <= 100:  # noqa: PLR2004 - percent
        raise Refusal(f"must be between 0 and 100 percent, not {value}")
    buckets = Decimal(value) * BUCKETS_PER_PERCENT
    if buckets != int(buckets):
        raise Refusal(f"{value} has more than three decimals", "the smallest step is 0.001 percent")
    return int(buckets)


def share_percent(value: object) -> float:
    """``10%``, ``0.5%`` as a number of percent, 0 to 100 with up to three decimals."""
    if isinstance(value, int | Decimal):
        raise Refusal(f"a share needs a percent sign, not {shown(value)}", f"write {value}%")
    written = text(value, example=_A_SHARE)
    parts = _SHARE.fullmatch(written)
    if parts is None:
        raise Refusal(f"bad share {quoted(written)}", f"write it like {_A_SHARE}")
    if float(parts[1]) > 100:  # noqa: PLR2004 - percent
        raise Refusal(f"must be between 0% and 100%, not {quoted(written)}")
    return float(parts[1])


def percent(buckets: int) -> str:
    """A number of buckets as it is written in a split: ``5``, ``0.125``."""
    whole, rest = divmod(buckets, BUCKETS_PER_PERCENT)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") if rest else str(whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Ids ``first..last``, both included; `last` None means no upper end."""

    first: int
    last: int | None

    def __str__(self) -> str:
        """As written."""
        return f"{self.first}..{'' if self.last is None else self.last}"


def span(value: object) -> Span:
    """``1..1000`` or ``1001..``."""
    if isinstance(value, int):
        raise Refusal(f"must be a range, not {shown(value)}", f'write "{value}..{value}"')
    written = text(value, example=_A_RANGE)
    parts = _RANGE.fullmatch(written)
    if parts is None:
        raise Refusal(f"bad range {quoted(written)}", f"write it like {_A_RANGE}")
    if any(
        len(digits) > len(str(LAST_ID)) or int(digits) > LAST_ID
        for digits in parts.groups("")
        if digits
    ):
        raise Refusal(f"bad range {quoted(written)}: the largest id is {LAST_ID}")
    first, last = int(parts[1]), int(parts[2]) if parts[2] else None
    if last is not None and last < first:
        raise Refusal(f"bad range {quoted(written)}: it ends before it begins")
    return Span(first=first, last=last)


def order(value: object) -> Order:
    """The order of a merged list."""
    written = text(value)
    for known in _ORDERS:
        if written == known:
            return known
    raise Refusal(f"bad order {quoted(written)}", f"one of: {', '.join(_ORDERS)}")


def cidr(value: object) -> str:
    """A network in CIDR form, in its canonical spelling."""
    written = text(value, example=_A_NETWORK)
    if "/" not in written and _is_address(written):
        bits = ipaddress.ip_address(written).max_prefixlen
        raise Refusal(f"{quoted(written)} is an address", f"write {quoted(f'{written}/{bits}')}")
    interface = _interface(written)
    if interface is None:
        raise Refusal(f"bad network {quoted(written)}", f"write it like {_A_NETWORK}")
    if interface.ip != interface.network.network_address:
        raise Refusal(
            f"{quoted(written)} has bits set to the right of the prefix",
            f"did you mean {quoted(str(interface.network))}?",
        )
    return str(interface.network)


def method(value: object) -> str:
    """An HTTP method in upper case (RFC 9110, section 9.1)."""
    written = text(value)
    if _METHOD.fullmatch(written):
        return written
    hint = f"write {quoted(written.upper())}" if _TOKEN.fullmatch(written) else ""
    raise Refusal(f"bad method {quoted(written)}: methods are upper-case words", hint)


def token(value: object) -> str:
    """The name of a header or cookie (RFC 9110, section 5.1; RFC 6265, section 4.1.1)."""
    written = text(value)
    if not _TOKEN.fullmatch(written):
        raise Refusal(f"bad name {quoted(written)}", "letters, digits and any of !#$%&'*+-.^_`|~")
    return written


def field_value(value: object) -> str:
    """A header's value: printable ASCII without space at either end; may be empty."""
    written = _literal(value)
    if not _FIELD_VALUE.fullmatch(written):
        raise Refusal(
            f"bad header value {quoted(written)}",
            "printable ASCII, without space at either end",
        )
    return written


def query_text(value: object) -> str:
    """A decoded key or value of a query."""
    written = _literal(value)
    if _CONTROL.search(written):
        raise Refusal(f"{quoted(written)} has a control character")
    return written


def query_key(value: object) -> str:
    """A decoded key of a query; not empty."""
    written = query_text(value)
    if not written:
        raise Refusal("a query key must not be empty")
    return written


def _literal(value: object) -> str:
    """Text that requests are compared with; whoever writes ``${`` in it means something else."""
    written = text(value)
    if "${" in written:
        raise Refusal(f"{quoted(written)} would be compared as it stands")
    return written


def _interface(written: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    if not _NETWORK.fullmatch(written):
        return None  # `ipaddress` also takes net masks and scopes
    try:
        return ipaddress.ip_interface(written)
    except ValueError:
        return None


def _is_address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True


def _plainly(value: object) -> str:
    if not isinstance(value, Ambiguous):
        return ""
    return f"YAML reads it as {value.reads_as}; write a short decimal number"
