"""How far an exchange has come, for whom it waits, and whether that takes too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.upload import is_too_slow

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.outcome import Outcome
    from gateway.proxy.ports import Lender

LEAST_READ_BYTES_PER_S = 8 * 1024
"""On average, behind `upload.GRACE_S`, where others wait for the connection that an answer holds.

A line of 64 kbit/s gives as much. A few who sip at large answers would keep a backend to
themselves.
"""


def stage_of(exchange: Outcome) -> Stage:
    """How far it has come with its backend."""
    if exchange.connection is None:
        return Stage.QUEUE
    if exchange.status:
        return Stage.READ_BODY
    return Stage.READ_HEAD if exchange.request_sent else Stage.SEND_BODY


def overdue(exchange: Outcome, pool: Lender, now_s: float) -> UpstreamError | None:
    """What to end it with; None while everything is in time by the timeouts of its backend."""
    detail = _lateness(exchange, pool, now_s)
    if not detail:
        return None
    is_customers = exchange.is_answer_held or _is_upload_slow(exchange)
    source = Source.DOWNSTREAM if is_customers else Source.UPSTREAM
    is_slow = is_customers or exchange.connection is not None
    cause = Cause.TIMEOUT if is_slow else Cause.OVERLOAD
    return UpstreamError(stage_of(exchange), source, cause, detail)


def is_silence(error: UpstreamError) -> bool:
    """Whether it speaks against the backend's address: a request, all of it, and no answer."""
    return error.stage is Stage.READ_HEAD and error.source is Source.UPSTREAM


def is_taken_over(exchange: Exchange, error: UpstreamError) -> bool:
    """Whether an exchange goes on elsewhere, though its backend has failed."""
    lane = exchange.lane
    return lane is not None and lane.watch is not None and lane.watch.takes_over(exchange, error)


def _lateness(exchange: Outcome, pool: Lender, now_s: float) -> str:
    timeouts = pool.backend.timeouts
    quiet_s, age_s = now_s - exchange.touched_s, now_s - exchange.started_s
    if timeouts.total_s is not None and age_s > timeouts.total_s:
        return f"not over in {timeouts.total_s:g} s"
    if _is_backends_turn(exchange):
        late = quiet_s > timeouts.first_byte_s
        return f"no answer in {timeouts.first_byte_s:g} s" if late else ""
    if quiet_s > timeouts.idle_s:
        return f"nothing for {timeouts.idle_s:g} s"
    if exchange.is_answer_held and pool.is_wanted:
        read_bytes = exchange.bytes_out - exchange.unread_bytes
        sips = is_too_slow(read_bytes, age_s, LEAST_READ_BYTES_PER_S)
        return f"{read_bytes} bytes read in {age_s:.0f} s" if sips else ""
    upload = exchange.upload
    if upload is None or not upload.has_place or not pool.is_crowded:
        return ""
    drips = is_too_slow(exchange.bytes_in, age_s)
    return f"{exchange.bytes_in} bytes in {age_s:.0f} s" if drips else ""


def _is_backends_turn(exchange: Outcome) -> bool:
    """Whether it has not begun to answer, and nothing is missing to do so."""
    if exchange.status:
        return False
    return exchange.connection is None or exchange.request_sent or _is_asking_first(exchange)


def _is_asking_first(exchange: Outcome) -> bool:
    """Whether the body waits for the backend to say that it wants it (100-continue)."""
    return exchange.inbound.expects_continue and exchange.bytes_in == 0


def _is_upload_slow(exchange: Outcome) -> bool:
    upload = exchange.upload
    is_ours = (
        exchange.request_complete or upload is None or upload.is_blocked or not exchange.attempts
    )
    return not (is_ours or exchange.status or _is_asking_first(exchange))
