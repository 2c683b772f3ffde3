"""What a request prefers: ``Prefer`` (RFC 7240) and ``Cancel-After``, decided purely."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A held request costs a connection; gateways in between end it sooner.
LONGEST_WAIT_S = 60
_WAIT = re.compile("[0-9]{1,6}")
_DURATION = re.compile("([0-9]{1,6})(s|m|h)?")
_UNITS_S = {"s": 1, "m": 60, "h": 3600}


class DurationError(ValueError):
    """``Cancel-After`` is no duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """How long a request is held.

    Attributes:
        is_async: Answer at once.
        wait_s: Hold it no longer than this; None when it does not say.
    """

    is_async: bool = False
    wait_s: int | None = None

    @property
    def is_stated(self) -> bool:
        """Whether the client knows of jobs at all."""
        return self.is_async or self.wait_s is not None

    @property
    def hold_s(self) -> int | None:
        """How long the answer may take; None is as long as it does."""
        return self.wait_s if self.wait_s is not None else (0 if self.is_async else None)

    @property
    def applied(self) -> str:
        """The value of ``Preference-Applied``; empty when there is nothing to say."""
        if self.wait_s is None:
            return "respond-async" if self.is_async else ""
        return f"respond-async, wait={self.wait_s}" if self.is_async else f"wait={self.wait_s}"


def read_prefer(values: list[str]) -> Preference:
    """Read the header's lines; what is not understood is left aside, as the RFC has it."""
    seen: dict[str, str] = {}
    for part in ",".join(values).split(","):
        name, _, value = part.partition(";")[0].partition("=")
        # The first of several counts (RFC 7240, section 2).
        seen.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = seen.get("wait")
    wait_s = int(wait) if wait is not None and _WAIT.fullmatch(wait) else None
    return Preference(
        is_async="respond-async" in seen,
        wait_s=None if wait_s is None else min(wait_s, LONGEST_WAIT_S),
    )


def read_cancel_after(value: str | None) -> int | None:
    """Read ``Cancel-After``: ``60``, ``90s``, ``5m`` or ``1h``, as seconds; None when not given.

    Raises:
        DurationError: It is none of these, or nothing at all.
    """
    if value is None:
        return None
    found = _DURATION.fullmatch(value.strip())
    if found is None or int(found[1]) == 0:
        raise DurationError
    return int(found[1]) * _UNITS_S[found[2] or "s"]
