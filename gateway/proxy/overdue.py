"""Whether an exchange, or one side of it, takes longer than its backend's timeouts allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.upload import is_too_slow

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.pool import Pool


def overdue(exchange: Exchange, pool: Pool, now_s: float) -> str:
    """What has taken too long, for operators; empty while everything is in time."""
    timeouts = pool.backend.timeouts
    quiet_s, age_s = now_s - exchange.touched_s, now_s - exchange.started_s
    if timeouts.total_s is not None and age_s > timeouts.total_s:
        return f"not over in {timeouts.total_s:g} s"
    if exchange.is_waiting_for_head:
        late = quiet_s > timeouts.first_byte_s
        return f"no answer in {timeouts.first_byte_s:g} s" if late else ""
    if quiet_s > timeouts.idle_s:
        return f"nothing for {timeouts.idle_s:g} s"
    upload = exchange.upload
    if upload is None or not upload.has_place or not pool.is_crowded:
        return ""
    drips = is_too_slow(exchange.bytes_in, age_s)
    return f"{exchange.bytes_in} bytes in {age_s:.0f} s" if drips else ""
