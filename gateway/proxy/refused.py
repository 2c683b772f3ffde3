"""Requests that were found unfit while being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.exchange import Exchange
from gateway.wire.inbound import BadRequest, Inbound, shown_path

if TYPE_CHECKING:
    from gateway.proxy.gateway import Gateway
    from gateway.proxy.ports import Door
    from gateway.wire.forwarded import Peer


class RefusedExchange(Exchange):
    """Such a request; it waits its turn to be refused."""

    __slots__ = ("_refusal",)

    def __init__(self, gateway: Gateway, door: Door, peer: Peer, refusal: BadRequest) -> None:
        path = shown_path(refusal.target)
        super().__init__(gateway, door, Inbound(refusal.method, path, is_http11=True), peer)
        self.inbound.keep_alive = False
        self._refusal = refusal

    def start(self) -> None:
        """Refuse."""
        self.detail = self._refusal.told
        self.refuse(self._refusal.status, self._refusal.title, self._refusal.detail)
