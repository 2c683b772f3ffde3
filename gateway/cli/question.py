"""The request that `figueira explain` is asked about, read as a gateway reads it from the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.proxy.reader import RequestReader
from gateway.routing.snapshot import Snapshot, Trust
from gateway.routing.table import Table
from gateway.wire.messages import Header, RequestHead
from gateway.wire.request import BadRequest, Inbound, read_believed
from gateway.wire.trust import Networks, customer_address


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

    def request_ended(self) -> None:
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
    believing = _Believing(receiver.inbound, gateway.table.header_names)
    believing.decide(peer, snapshot.trust)
    return Asked(table=gateway.table, head=receiver.inbound.head, ignored=tuple(believing.ignored))


@dataclass(slots=True)
class _Believing:
    """What `Gateway.admit` does with headers that only some senders may use."""

    inbound: Inbound
    wanted: frozenset[bytes]
    ignored: list[str] = field(default_factory=list)

    def decide(self, peer: str, trust: Trust) -> None:
        inbound, head, proxies = self.inbound, self.inbound.head, Networks(trust.proxies)
        head.client_ip = peer
        if self._is_believed(inbound.forwarded, peer, proxies, "trust.proxies"):
            chain = b",".join(v for n, v in inbound.forwarded if n.lower() == b"x-forwarded-for")
            head.client_ip = customer_address(peer, chain, proxies) if chain else ""
        testers = Networks(trust.testers)
        self._is_believed(inbound.private, head.client_ip, testers, "trust.testers")

    def _is_believed(
        self, fields: list[Header], sender: str, trusted: Networks, where: str
    ) -> bool:
        if fields and trusted.contains(sender):
            read_believed(self.inbound, fields, self.wanted)
            return True
        who = sender or "a customer whom the proxy does not name"
        names = dict.fromkeys(name.decode("latin-1") for name, _ in fields)
        self.ignored += [f"{name} is not read: {who} is not in {where}" for name in names]
        return False


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
