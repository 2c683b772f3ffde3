"""What is left of finished requests: counts, and lines for the access log.

They are gathered and looked at some dozens at a time: done for each request by itself, the same
work costs half as much again.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

from gateway.telemetry.access_line import AccessLine, ClockText, encode_lines

if TYPE_CHECKING:
    from gateway.proxy.access_log import AccessLog
    from gateway.proxy.capture import Captures
    from gateway.proxy.outcome import Outcome
    from gateway.whatif.recording import Recording

_TOGETHER = 64
"""Few enough that the memory they take is used again while the processor has it at hand."""


class Recorder:
    """Takes exchanges that are over; none of them changes any more."""

    def __init__(
        self,
        access_log: AccessLog,
        wall_clock: Callable[[], float],
        clock: Callable[[], float],
        recording: Recording,
        captures: Captures,
    ) -> None:
        """Write to `access_log`, and let `recording` note what it wants to know.

        `captures` takes what is to be tried. `wall_clock` gives seconds since 1970, `clock` those
        that exchanges go by.
        """
        self._recording = recording
        self._captures = captures
        self._access_log = access_log
        self._wall_clock = wall_clock
        self._clock = clock
        self._wall_offset_s = 0.0
        self._clock_text = ClockText()
        self._finished: list[Outcome] = []
        self.refused: dict[str, int] = {}
        """Requests that the gateway answered itself, by status."""
        self.set_clock()

    def set_clock(self) -> None:
        """Look at the wall clock again: it may have been put right."""
        self._wall_offset_s = self._wall_clock() - self._clock()

    def date(self) -> str:
        """Now, as an answer's Date has it."""
        return formatdate(self._clock() + self._wall_offset_s, usegmt=True)

    def add(self, exchange: Outcome) -> None:
        """Take a finished exchange."""
        finished = self._finished
        finished.append(exchange)
        if len(finished) >= _TOGETHER:
            self.fold()

    def fold(self) -> None:
        """Count and log what was gathered."""
        finished, self._finished = self._finished, []
        for exchange in finished:
            lane, decision = exchange.lane, exchange.decision
            if lane is None or decision is None:
                key = str(exchange.status)
                self.refused[key] = self.refused.get(key, 0) + 1
                continue
            counters = lane.counters
            duration_s = exchange.ended_s - exchange.started_s
            counters.count(exchange.status, decision.reason, duration_s, exchange.error)
            counters.bytes_in += exchange.bytes_in
            counters.bytes_out += exchange.bytes_out
            counters.retries += exchange.attempts - 1
            if lane.capture is not None:
                self._captures.add(exchange, lane.capture)
        log, recording = self._access_log, self._recording
        if finished and (log.is_on or recording.is_sampling):
            lines = [self._line(exchange) for exchange in finished]
            if recording.is_sampling:
                recording.sampling.add(lines)
            if log.is_on:
                log.add(encode_lines(lines), len(finished))
        elif recording.notes:
            for exchange in finished:
                if exchange.decision is not None:
                    recording.see(exchange.decision, exchange.revision, exchange.inbound)

    def _line(self, exchange: Outcome) -> AccessLine:
        inbound, decision = exchange.inbound, exchange.decision
        started_s, first_s = exchange.started_s, exchange.first_byte_s
        route = backend = reason = ""
        bucket = None
        if decision is not None:
            route, backend, reason = decision.route.name, decision.backend, decision.reason
            bucket = decision.bucket
        # Durations are rounded where they stand: two calls for it would cost as much as the rest.
        line = AccessLine(
            self._clock_text.write(started_s + self._wall_offset_s),
            inbound.method.decode("latin-1"),
            inbound.path.decode("latin-1"),
            exchange.status,
            int((exchange.ended_s - started_s) * 1e6 + 0.5) / 1000,
            inbound.client_ip or exchange.peer.address,
            route,
            backend,
            reason,
            bucket,
            exchange.revision,
            exchange.bytes_in,
            exchange.bytes_out,
            None if first_s is None else int((first_s - started_s) * 1e6 + 0.5) / 1000,
            exchange.attempts,
            exchange.trace_id.decode(),
            exchange.error,
            exchange.detail,
            exchange.upstream,
            inbound.host.decode("latin-1") if inbound.host else "",
            exchange.peer.protocol if inbound.is_http11 else "HTTP/1.0",
        )
        if exchange.lane is not None and (watch := exchange.lane.watch) is not None:
            watch.tell(line)
        recording = self._recording
        if recording.notes:
            recording.write(line, inbound)
        return line
