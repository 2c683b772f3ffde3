"""Where a recorded request ends up under both snapshots."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class End:
    """Where a request ends up: at a backend, or refused by the gateway."""

    route: str
    """Empty where it is refused."""
    backend: str
    refusal: str = ""
    """Status and title; empty where it is forwarded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request under both snapshots."""

    old: End
    new: End

    @property
    def is_moved(self) -> bool:
        """Whether another backend gets it, or one instead of a refusal, or the reverse."""
        return self.old.backend != self.new.backend or self.old.refusal != self.new.refusal


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a record."""

    outcomes: tuple[Outcome, ...]
    """One where it is decided; several where the record leaves it open."""
    missing: tuple[str, ...]
    """The keys that would decide; empty where there is one outcome."""
    customer: str
    """What tells the customer apart: a token, or else the address; empty if nothing does."""
    is_existing: bool
    """Whether the request concerns a resource that has an owner under the old snapshot."""

    @property
    def is_decided(self) -> bool:
        """Whether the record tells if the request moves."""
        return len(self.outcomes) == 1 or not any(outcome.is_moved for outcome in self.outcomes)
