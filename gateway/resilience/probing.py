"""What the results of probes say of an address."""

from __future__ import annotations

FIRST_GOOD, LAST_GOOD = 200, 399
"""Statuses of a probe that say that all is well."""


class Probed:
    """One address, as far as it is known from probes."""

    def __init__(self, *, unhealthy_after: int, healthy_after: int) -> None:
        """Know nothing yet.

        Args:
            unhealthy_after: Failures in a row that make it ill.
            healthy_after: Good probes in a row that make it well again; one is enough at first.
        """
        self._unhealthy_after = unhealthy_after
        self._healthy_after = healthy_after
        self._in_a_row = 0
        """Results that speak against `is_well`."""
        self.is_well: bool | None = None
        """None while too little is known."""

    def note(self, *, is_good: bool) -> bool:
        """Take a result; whether it changed what is thought of the address."""
        if is_good is self.is_well:
            self._in_a_row = 0
            return False
        if self.is_well is None and is_good:
            needed = 1
        else:
            needed = self._healthy_after if is_good else self._unhealthy_after
        # What comes before anything is known speaks for illness alone.
        self._in_a_row += 1
        if self._in_a_row < needed:
            return False
        self.is_well, self._in_a_row = is_good, 0
        return True


def is_good(status: int) -> bool:
    """Whether a probe's answer that counts as `status` says that all is well."""
    return FIRST_GOOD <= status <= LAST_GOOD
