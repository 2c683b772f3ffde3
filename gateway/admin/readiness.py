"""Whether the gateway should be sent customers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.admin.view import Check, Status


def is_ready(status: Status) -> bool:
    """Not while draining, and not without a worker; nothing else decides."""
    return all(check.ok for check in _deciding(status))


def report(status: Status, checks: Sequence[Check]) -> str:
    """One line per check: ``[+]`` passed, ``[-]`` failed, ``[!]`` failed but does not decide."""
    lines = [_line(check, "[-]") for check in _deciding(status)]
    lines += [_line(check, "[!]") for check in checks]
    lines.append(f"readyz check {'passed' if is_ready(status) else 'failed'}")
    return "\n".join(lines) + "\n"


def _deciding(status: Status) -> tuple[Check, ...]:
    return (
        Check(
            name="workers",
            ok=any(worker.alive for worker in status.workers),
            detail="none is alive",
        ),
        Check(name="serving", ok=not status.draining, detail="draining before the stop"),
    )


def _line(check: Check, failed: str) -> str:
    if check.ok:
        return f"[+]{check.name} ok"
    # One line, whatever a backend's failure was worded like.
    detail = " ".join(check.detail.split())
    return f"{failed}{check.name} failed: {detail}"
