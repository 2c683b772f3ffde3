"""What the gateway says itself, without a backend or in its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.trace import TRACE_DIGITS
from gateway.wire.messages import Header
from gateway.wire.problem import prefers_page, problem_parts

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.gateway import Gateway


def own_answer(
    gateway: Gateway, exchange: Exchange, status: int, title: str, detail: str
) -> tuple[list[Header], bytes]:
    """Fields and body of an answer, as its customer prefers it.

    It holds the id by which its access line is found, which is made now if there is none yet.
    """
    lines = exchange.inbound.lines
    accept = b",".join(value for name, value in lines if name.lower() == b"accept")
    exchange.trace_id = exchange.trace_id or gateway.traces.next()[:TRACE_DIGITS]
    return problem_parts(
        status,
        title,
        detail,
        date=gateway.recorder.date(),
        as_page=prefers_page(accept),
        reference=exchange.trace_id.decode(),
    )
