"""Where the egress listener listens, and where it sends what it gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config import paths
from gateway.config.units import text
from gateway.config.urls import PORTS, Endpoint, endpoint, expand, host_name
from gateway.config.wording import Refusal, quoted

LONGEST_PREFIX = 200
MOST_UNMATCHED = 1_000_000
_LISTEN = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:/]+)):(?P<port>[0-9]{1,5})"
)
_URL = re.compile(r"(?P<origin>https?://[^/?#]*)(?P<path>/[^?#]*)?(?P<more>[?#].*)?", re.IGNORECASE)
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborator:
    """A collaborator's base URL, read."""

    endpoint: Endpoint
    host: str
    """As a Host header has it: without the port that the scheme has anyway."""
    path: str
    """No slash at its end; empty for the root."""


def listen(value: object) -> tuple[str, int]:
    """Host and port.

    Raises:
        Refusal: Not both of them.
    """
    written = text(value, example="127.0.0.1:9010")
    parts = _LISTEN.fullmatch(written)
    if parts is None:
        raise Refusal(f"bad address {quoted(written)}", "write it like 127.0.0.1:9010")
    port = int(parts["port"])
    if not 1 <= port <= _LAST_PORT:
        raise Refusal(f"bad address {quoted(written)}: a port is between 1 and {_LAST_PORT}")
    return host_name(parts["address"] or parts["name"]), port


def prefix(value: object) -> str:
    """A canonical path of whole segments, and not all of them."""
    written = paths.prefix(value)
    if written == "/":
        raise Refusal("the prefix is all there is to tell the sides apart", "write /NAME/v1")
    return written


def collaborator(value: object, environment: Mapping[str, str]) -> Collaborator:
    """A base URL; ``${VAR}`` in it is filled in.

    Raises:
        Refusal: It is none, or holds what nobody should be sent.
    """
    url = expand(text(value, example="https://api.openai.com/v1"), environment)
    parts = _URL.fullmatch(url)
    if parts is None or parts["more"] or "@" in parts["origin"]:
        shown = "" if "@" in url else f" {quoted(url)}"
        raise Refusal(f"bad URL{shown}", "write it like https://api.openai.com/v1")
    found = endpoint(parts["origin"], {})
    path = (parts["path"] or "").rstrip("/")
    address = found.address
    is_usual = address.port == PORTS[found.scheme]
    host = str(address).rpartition(":")[0] if is_usual else str(address)
    return Collaborator(endpoint=found, host=host, path=paths.prefix(path) if path else "")


def unmatched(value: object) -> int:
    """Calls a day.

    Raises:
        Refusal: It is no such number.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MOST_UNMATCHED:  # type: ignore[operator]  # a number
        raise Refusal(f"must be a whole number from 0 to {MOST_UNMATCHED}")
    return value  # type: ignore[return-value]  # as above
