"""What two snapshots ask of a record: the same for every record that is put before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.routing.snapshot import Snapshot, Trust
from gateway.whatif.asked import Asked, asked_by
from gateway.whatif.record import Record
from gateway.whatif.tokens import Tokens
from gateway.wire.fields import Kind, kind_of
from gateway.wire.trust import Networks

CLIENT_IP: Final = "client_ip"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTrust:
    """What a change of ``trust`` leaves open: records tell what the old one let be read."""

    headers: frozenset[str]
    """Those that some route asks for and that not everybody may send."""
    old: Networks
    new: Networks
    is_customer_other: bool
    """Whether ``trust.proxies`` has changed, so that the customer may be another one."""
    has_signed_pins: bool
    """Whether a pin may have been believed for its signature."""
    keeps_signed_pins: bool
    """Whether such a pin is still believed; an old secret that is not told counts as the same."""

    def reads_otherwise(self, record: Record) -> bool:
        """Whether the new trust may let be read what the old one did not, or the reverse."""
        if not self.headers:
            return False
        client = record.client
        return self.is_customer_other or self.old.contains(client) != self.new.contains(client)

    def keeps_pin(self, record: Record) -> bool | None:
        """Whether the new trust believes a pin that the old one has; None: it depends.

        A record does not tell for what a pin was believed: its sender's address, or a signature.
        """
        kept = {self.keeps_signed_pins} if self.has_signed_pins else set[bool]()
        if self.old.contains(record.client):
            if self.is_customer_other:
                return None
            kept.add(self.new.contains(record.client))
        return kept.pop() if len(kept) == 1 else None if kept else True


def other_trust(asked: Asked, old: Trust, new: Trust) -> OtherTrust:
    """What changes from one trust to the other."""
    kinds = {Kind.FIGUEIRA, Kind.FORWARDED}
    is_customer_other = set(old.proxies) != set(new.proxies)
    is_other = is_customer_other or set(old.testers) != set(new.testers)
    names = [name for name in asked.headers if kind_of(name.encode()) in kinds]
    return OtherTrust(
        headers=frozenset(names) if is_other else frozenset(),
        old=Networks(old.testers),
        new=Networks(new.testers),
        is_customer_other=is_customer_other,
        has_signed_pins=bool(old.pin_secret or new.pin_secret),
        keeps_signed_pins=not old.pin_secret or old.pin_secret == new.pin_secret,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What does not change from one record to the next."""

    asked: Asked
    """By both snapshots."""
    tokens: Tokens | None
    """None: nobody can tell which value a token stands for."""
    cookies: tuple[str, ...]
    """Names of the sticky ones."""
    sticky_headers: frozenset[str]
    proxies: Networks
    """That speak for others."""
    trust: OtherTrust
    asks_for_address: bool
    """Whether some route is sticky by the customer's address."""

    def names_somebody(self, client: str) -> bool:
        """Whether a line's `client` is the customer.

        The line of a request that a trusted proxy sent for nobody has the proxy's own address.
        """
        return bool(client) and not self.proxies.contains(client)

    def kind_of_address(self, record: Record) -> bool | None:
        """What matters of the address beside its bucket; None where nothing does."""
        is_noted = record.sticky is not None and CLIENT_IP in record.sticky
        if is_noted or not self.asks_for_address:
            return None
        return self.names_somebody(record.client)


def knowledge(old: Snapshot, new: Snapshot, tokens: Tokens | None) -> Knowledge:
    """What both snapshots ask for, ready to be looked up."""
    asked = asked_by([old, new])
    return Knowledge(
        asked=asked,
        tokens=tokens,
        cookies=tuple(each.name for each in asked.sticky if each.source == "cookie"),
        sticky_headers=frozenset(each.name for each in asked.sticky if each.source == "header"),
        proxies=Networks(old.trust.proxies),
        trust=other_trust(asked, old.trust, new.trust),
        asks_for_address=any(each.source == CLIENT_IP for each in asked.sticky),
    )
