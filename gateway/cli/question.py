"""The request that `figueira explain` is asked about, read as a gateway reads it from the wire."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.proxy.reader import RequestReader
from gateway.routing.snapshot import Snapshot, Trust
from gateway.routing.table import Table
from gateway.wire.believing import believe
from gateway.wire.fields import Names
from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header, RequestHead
from gateway.wire.pins import Fault, PinKey, is_signed_pin, read_pin
from gateway.wire.trust import Networks

PIN = "X-Figueira-Backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The request to explain."""

    method: str
    target: str
    headers: tuple[str, ...]
    """``Name: value`` each."""
    client_ip: str
    """Where it comes from: a customer, or a proxy that names the customer in X-Forwarded-For."""
    draw: float | None
    """In [0, 1); None says which shares a draw would choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, understood."""

    table: Table
    head: RequestHead
    """With the customer's address, and the headers that routing may read."""
    ignored: tuple[str, ...]
    """Why headers that were given are not read; one sentence each."""


class _Receiver:
    """Takes the one request there is."""

    def __init__(self) -> None:
        self.inbound: Inbound | None = None
        self.refusal: BadRequest | None = None
        self.is_full = False

    def request_read(self, inbound: Inbound) -> None:
        self.inbound = inbound

    def body_read(self, data: bytes) -> None:
        del data

    def request_ended(self, trailers: Sequence[Header]) -> None:
        pass

    def refused(self, refusal: BadRequest) -> None:
        self.refusal = refusal


def understand(question: Question, snapshot: Snapshot) -> Asked:
    """Read the question as a gateway that runs by `snapshot` would read the request.

    Raises:
        ValueError: An argument cannot be used; the message names it.
        BadRequest: The gateway would refuse such a request.
    """
    peer = _address(question.client_ip)
    if question.method.upper() != question.method:
        raise ValueError(f"methods are upper-case words: write {question.method.upper()}")
    if question.draw is not None and not 0 <= question.draw < 1:
        raise ValueError(
            f"--draw {question.draw:g} is out of range: give 0 up to, not including, 1"
        )
    gateway = Gateway(snapshot, 0, AccessLog(None), lambda: 0.0)
    receiver = _Receiver()
    RequestReader(gateway, receiver).feed(_written(question))
    if receiver.refusal is not None:
        raise receiver.refusal
    if receiver.inbound is None:
        raise BadRequest(400, "Bad Request", "The request is not well-formed HTTP/1.1.")
    inbound = receiver.inbound
    ignored = _believe(inbound, peer, snapshot.trust, gateway.names)
    return Asked(table=gateway.table, head=inbound, ignored=tuple(ignored))


def _believe(inbound: Inbound, peer: str, trust: Trust, names: Names) -> list[str]:
    """Believe what the gateway would; say which headers it would not read, and why."""
    testers = Networks(trust.testers)
    key = PinKey(secret=trust.pin_secret, now_s=time.time())  # noqa: TID251 - as a gateway's clock
    ignored: list[str] = []
    if not believe(inbound, peer, Networks(trust.proxies), testers, names, key=key):
        ignored += _not_read(inbound.forwarded, peer, "trust.proxies")
    signed = [line for line in inbound.private or () if is_signed_pin(line)]
    if not testers.contains(inbound.client_ip):
        plain = [line for line in inbound.private or () if line not in signed]
        ignored += _not_read(plain, inbound.client_ip, "trust.testers")
    faults = [read_pin(value.strip(), key) for _, value in signed]
    ignored += [f"{PIN} is not read: {f.value}" for f in faults if isinstance(f, Fault)]
    return ignored


def _not_read(fields: list[Header] | None, sender: str, where: str) -> list[str]:
    who = sender or "a customer whom the proxy does not name"
    names = dict.fromkeys(name.decode("latin-1") for name, _ in fields or ())
    return [f"{name} is not read: {who} is not in {where}" for name in names]


def _address(text: str) -> str:
    """As a gateway sees it: IPv4 always as such."""
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"--client-ip {text!r} is no IP address") from None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _written(question: Question) -> bytes:
    lines = [f"{question.method} {question.target} HTTP/1.1"]
    lines += [_header(line) for line in question.headers]
    if not any(line.lower().startswith("host:") for line in lines[1:]):
        lines.append("Host: localhost")
    for line in lines:
        if not line.isprintable():
            raise ValueError(f"{line!r} has a character that cannot be sent")
    return "\r\n".join([*lines, "", ""]).encode()


def _header(line: str) -> str:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"-H {line!r} is no header: write 'Name: value'")
    return f"{name.strip()}: {value.strip()}"
