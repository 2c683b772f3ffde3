"""When a provider is left alone for a while, decided purely: one state, three events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from image_service import errors

# One failure may be the order's own bad luck; three in a row are the provider's.
_FAILURES_TO_OPEN = 3
_FIRST_REST_S = 5.0
# Each rest after a failed trial is twice as long, up to this.
_LONGEST_REST_S = 120.0
# An empty account or a wrong key does not mend itself in seconds.
_OWNER_REST_S = 60.0

Blame = Literal["none", "one", "whole"]
"""Whether a failure says something about the provider: nothing, a little, or all of it."""

_BLAME: dict[type[errors.PictureError], Blame] = {
    errors.ModerationError: "none",
    errors.RejectedError: "one",
    errors.RateLimitError: "whole",
    errors.QuotaError: "whole",
    errors.UnavailableError: "one",
    errors.AnswerTimeoutError: "one",
    errors.BadPictureError: "one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known about a provider.

    Attributes:
        failures: In a row, since the last success.
        rests: How many rests there were since then.
        rests_until: Until when nobody asks it, in the clock's seconds; None while it is asked.
        is_on_trial: One order is out to see whether it has recovered.
    """

    failures: int = 0
    rests: int = 0
    rests_until: float | None = None
    is_on_trial: bool = False

    def may_be_asked(self, now: float) -> bool:
        """Whether an order may go there; after a rest only one at a time."""
        if self.rests_until is None:
            return True
        return now >= self.rests_until and not self.is_on_trial

    def asked(self) -> Breaker:
        """An order goes there."""
        return self if self.rests_until is None else replace(self, is_on_trial=True)

    def succeeded(self) -> Breaker:
        """A picture came: all is forgotten."""
        return Breaker()

    def abandoned(self) -> Breaker:
        """An order ended without telling anything, cancelled by its owner."""
        return replace(self, is_on_trial=False)

    def failed(self, error: errors.PictureError, now: float) -> Breaker:
        """An order failed there."""
        blame = _BLAME.get(type(error), "one")
        if blame == "none":
            # It answered and is well: forbidden words are the customer's matter.
            return Breaker()
        failures = self.failures + 1
        if blame == "one" and failures < _FAILURES_TO_OPEN and self.rests_until is None:
            return replace(self, failures=failures)
        rest_s = min(_FIRST_REST_S * 2.0**self.rests, _LONGEST_REST_S)
        if isinstance(error, errors.QuotaError):
            rest_s = max(rest_s, _OWNER_REST_S)
        if error.retry_after_s is not None:
            rest_s = error.retry_after_s
        # The exponent would overflow long after it stopped mattering.
        return Breaker(failures=failures, rests=min(self.rests + 1, 10), rests_until=now + rest_s)
