"""The addresses of one backend: what stands to each, which are left out, which is next."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.resilience.balancing import two_of
from gateway.resilience.ejection import Standing

if TYPE_CHECKING:
    from gateway.proxy.upstream import UpstreamConnection
    from gateway.routing.snapshot import Address


class AddressState:
    """One address, and the connections to it."""

    __slots__ = ("address", "idle", "is_tried", "name", "opened", "standing")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.name = str(address)
        self.idle: list[UpstreamConnection] = []
        """The one that served last is at the end."""
        self.opened = 0
        """Connections that stand or are being made, idle ones included."""
        self.standing = Standing()
        self.is_tried = False
        """Whether the gateway itself is connecting to it, to see if it is well again."""

    @property
    def in_use(self) -> int:
        """Connections that serve somebody, or are being made."""
        return self.opened - len(self.idle)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressReport:
    """What an operator may want to know of one address."""

    address: str
    """As in a URL."""
    is_ejected: bool
    """Whether it is left out, as requests to it fail."""
    is_probed_ill: bool
    """Whether it is left out, as probes say that it is ill."""
    failures: int
    """In a row, since the last answer."""
    idle: int
    in_use: int


class Addresses:
    """All addresses of a backend, and those among them that may be chosen."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._all = [AddressState(address) for address in addresses]
        self._choices = self._all
        self.sole = self._all[0] if len(self._all) == 1 else None
        """The only one there is, if so: then there is nothing to choose."""

    def __iter__(self) -> Iterator[AddressState]:
        return iter(self._all)

    def choose(self) -> AddressState:
        """The less busy one of two at random."""
        return _choose(self._choices)

    def choose_but(self, tried: Collection[AddressState]) -> AddressState | None:
        """As `choose`, but none of these; None if they were all."""
        untried = [state for state in self._choices if state not in tried]
        return _choose(untried) if untried else None

    def settle(self) -> None:
        """Work out anew which may be chosen, after one was left out or taken in again.

        If all are left out, none is: a backend that may answer is better than none.
        """
        self._choices = [s for s in self._all if not s.standing.is_left_out] or self._all
        for state in self._all:
            if state not in self._choices:
                # Nobody will use them, and they count as open.
                while state.idle:
                    state.idle.pop().abandon()

    def take_idle(self) -> UpstreamConnection | None:
        """A connection that is idle at any address, if possible one that may be chosen."""
        for state in (*self._choices, *self._all):
            while state.idle:
                connection = state.idle.pop()
                if not connection.is_closing():
                    return connection
        return None

    def report(self) -> list[AddressReport]:
        """Where each stands, in the order of routes.yaml."""
        return [
            AddressReport(
                address=str(state.address),
                is_ejected=state.standing.is_ejected,
                is_probed_ill=state.standing.is_probed_ill,
                failures=state.standing.failures,
                idle=len(state.idle),
                in_use=state.in_use,
            )
            for state in self._all
        ]


def _choose(choices: Sequence[AddressState]) -> AddressState:
    if len(choices) == 1:
        return choices[0]
    first, second = two_of(len(choices), random.random())  # noqa: S311 - chance, not secrets
    one, other = choices[first], choices[second]
    return other if other.in_use < one.in_use else one
