"""Hosts that a match names: a name, or ``*.`` before one (Gateway API ``hostnames``)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from gateway.config.units import text
from gateway.config.urls import host_name
from gateway.config.wording import Refusal, quoted
from gateway.routing.host import WILDCARD

_AN_EXAMPLE = 'shop.example or "*.shop.example"'
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):[0-9]*")


def condition(value: object) -> str:
    """A host as requests are compared with it: lower case, no port, no final dot.

    Raises:
        Refusal: no request could name such a host, or it is written in another way.
    """
    written = text(value, example=_AN_EXAMPLE)
    _refuse_other_things(written)
    name = written.removeprefix(WILDCARD)
    if "*" in name:
        raise Refusal(
            f"bad host {quoted(written)}: a wildcard is the whole of the first label",
            "write it like *.shop.example" if written != "*" else "without hosts, any host is met",
        )
    if not written.isascii():
        raise Refusal(f"bad host {quoted(written)}: clients send it in ASCII", _in_ascii(written))
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if name.endswith("."):
        raise Refusal(
            f"bad host {quoted(written)}: a final dot has no meaning",
            f"write {quoted(written.rstrip('.'))}",
        )
    try:
        host = host_name(name)
    except Refusal:
        hint = f"write it like {_AN_EXAMPLE}"
        raise Refusal(f"bad host {quoted(written)}", hint) from None
    if ":" in host:
        return IPv6Address(host).compressed
    return host if name == written else WILDCARD + host


def _refuse_other_things(written: str) -> None:
    """What is not a host, but has one in it."""
    scheme, separator, rest = written.partition("://")
    if separator:
        host = rest.partition("/")[0]
        raise Refusal(
            f"bad host {quoted(written)}: {quoted(scheme)} is no part of it",
            f"write {quoted(host)}",
        )
    if "/" in written:
        host = written.partition("/")[0]
        raise Refusal(
            f"bad host {quoted(written)}: a path is no part of it",
            f"write {quoted(host)} and path_prefix" if host else "use path_prefix",
        )
    port = _PORT.fullmatch(written)
    if port is not None and port[1]:
        raise Refusal(
            f"bad host {quoted(written)}: the port is not looked at", f"write {quoted(port[1])}"
        )


def _in_ascii(written: str) -> str:
    try:
        return f"write {quoted(written.encode('idna').decode())}"
    except UnicodeError:
        return "write it in Punycode (xn--...)"
