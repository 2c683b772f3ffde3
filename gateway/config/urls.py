"""Where a backend listens: ``http://host[:port]``, ``https://host[:port]`` or ``unix:/path``.

``${VAR:-default}`` in it is filled in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config.units import text
from gateway.config.wording import Refusal, quoted, shorten
from gateway.routing.snapshot import Address

PORTS = {"http": 80, "https": 443}
"""By scheme: the port where none is written (RFC 9110, sections 4.2.1 and 4.2.2)."""
LONGEST_SOCKET_BYTES = 107
"""Of a Unix socket's path: Linux keeps 108 bytes, the last of them a zero."""

# `$` and whatever follows it: a whole ${...}, or the beginning of one that is never closed.
_REFERENCE = re.compile(r"\$(?:\{([^{}]*)\})?")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<authority>[^/?#]*)"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>[0-9]{1,5}))?")
# Underscores are not in RFC 1123, but are in the service names of compose files.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_HOST = 253  # RFC 1035, section 2.3.4, as text
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A backend's URL, read."""

    scheme: str
    """``http``, ``https`` or ``unix``."""
    address: Address
    """Hosts in lower case."""

    def __str__(self) -> str:
        """As it could have been written."""
        return str(self.address) if self.address.path else f"{self.scheme}://{self.address}"


def expand(written: str, environment: Mapping[str, str]) -> str:
    """Fill in ``${VAR}`` and ``${VAR:-default}``, once; an empty variable counts as unset.

    Raises:
        Refusal: a variable is unset and has no default, or a ``$`` is no such reference.
    """

    def value_of(reference: re.Match[str]) -> str:
        variable = _VARIABLE.fullmatch(reference[1] or "")
        if variable is None:
            raise Refusal(
                f"bad reference to a variable in {_safe(written)}",
                "write ${NAME} or ${NAME:-default}",
            )
        name, default = variable.groups()
        value = environment.get(name) or default
        if not value:
            raise Refusal(
                f"the environment variable {quoted(name)} is not set",
                f"set it, or write {quoted(f'${{{name}:-default}}')}",
            )
        return value

    return _REFERENCE.sub(value_of, written)


def endpoint(value: object, environment: Mapping[str, str]) -> Endpoint:
    """Parse a backend's URL.

    Raises:
        Refusal: not one of the three forms. A user or password in it is not shown.
    """
    url = expand(text(value, example="http://127.0.0.1:8001"), environment)
    if url.startswith("unix:"):
        return Endpoint(scheme="unix", address=Address(path=_socket(url)))
    parts = _URL.fullmatch(url)
    if parts is None:
        example = f"unix:{url}" if url.startswith("/") else "http://127.0.0.1:8001"
        raise Refusal(f"bad URL {_safe(url)}", f"write it like {shorten(example)}")
    scheme = parts["scheme"].lower()
    if scheme not in PORTS:
        raise Refusal(f"bad URL {_safe(url)}: only http://, https:// and unix:/ are supported")
    if "@" in parts["authority"]:
        raise Refusal("bad URL: a user or password in it is not supported", "remove it")
    if parts["rest"]:
        raise Refusal(
            f"bad URL {_safe(url)}: a backend has no path, query or fragment",
            f"write {_safe(f'{scheme}://' + parts['authority'])}",
        )
    return Endpoint(scheme=scheme, address=_address(url, parts["authority"], PORTS[scheme]))


def host_name(value: object) -> str:
    """A host name or address, in lower case; an IPv6 address without brackets.

    Raises:
        Refusal: resolvers would not read it, or each in its own way.
    """
    written = text(value, example="shop.example")
    host = written.lower()
    if not (_is_ipv6(host) or _is_name_or_ipv4(host)):
        raise Refusal(f"bad host {quoted(written)}", "write it like shop.example")
    return host


def _socket(url: str) -> str:
    path = url.removeprefix("unix:")
    if not path.startswith("/") or path.startswith("//"):
        hint = f"write {quoted('unix:/' + path.lstrip('/'))}"
        raise Refusal(f"bad URL {quoted(url)}: a socket's path starts with one slash", hint)
    if not path.isprintable():
        raise Refusal(f"bad URL {quoted(url)}: a character that cannot be printed")
    if (size := len(path.encode())) > LONGEST_SOCKET_BYTES:
        limit = f"the system's limit is {LONGEST_SOCKET_BYTES}"
        raise Refusal(f"bad URL {quoted(url)}: a socket's path of {size} bytes; {limit}")
    return path


def _address(url: str, authority: str, default_port: int) -> Address:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise Refusal(f"bad URL {_safe(url)}: no host and port there", "write http://host:port")
    port = int(parts["port"]) if parts["port"] else default_port
    if not 1 <= port <= _LAST_PORT:
        raise Refusal(f"bad URL {_safe(url)}: a port is between 1 and {_LAST_PORT}")
    host = parts["host"].lower().strip("[]")
    if not (_is_ipv6(host) if parts["host"].startswith("[") else _is_name_or_ipv4(host)):
        raise Refusal(f"bad URL {_safe(url)}: bad host {quoted(parts['host'])}")
    return Address(host=host, port=port)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _is_name_or_ipv4(host: str) -> bool:
    labels = host.split(".")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        # Resolvers read 127.1 or 0x7f.1 as addresses of their own making; only 1.2.3.4 is clear.
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _safe(url: str) -> str:
    """The URL in quotes, unless it may hold a password."""
    return "(not shown: it may hold a password)" if "@" in url else quoted(url)
