"""How many customers' connections the limit of open files allows."""

from __future__ import annotations

import contextlib
import resource

_RESERVED = 64
"""For what is no customer's: sockets to listen on, logs, links, the event loop."""
_OF_A_CUSTOMER = 2
"""The customer's connection, and that to a backend while a request is in flight."""


def lift_limit() -> int | None:
    """Lift this process's limit of open files as far as it may; what it is now, None for no limit.

    Children have the same.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS names no limit, and yet has one.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def connections_within(wanted: int, open_files: int | None) -> int:
    """How many customers' connections a process may take that wants `wanted`; at least one."""
    if open_files is None:
        return wanted
    return max(min(wanted, (open_files - _RESERVED) // _OF_A_CUSTOMER), 1)


def is_short(wanted: int, allowed: int, *, default: int) -> bool:
    """Whether it should be warned of that fewer are allowed.

    Most machines allow a little less than the default, which nobody has asked for: a warning at
    every start would only teach people to overlook warnings.
    """
    return allowed < (wanted / 2 if wanted == default else wanted)
