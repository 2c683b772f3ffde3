"""Traffic as a gateway by some snapshot would have recorded it."""

from __future__ import annotations

from gateway.routing.decide import Decision, Forward, Reply, decide
from gateway.routing.snapshot import Snapshot
from gateway.routing.table import Table
from gateway.telemetry.access_line import AccessLine, encode_lines
from gateway.whatif.outcome import End
from gateway.whatif.recording import Recording
from gateway.whatif.tokens import Tokens
from gateway.wire.messages import RequestHead

KEY = b"the key of a test"


class Recorded:
    """Records requests as a gateway does that serves by `snapshot`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.table = Table(snapshot)
        self.nobody = next((net.partition("/")[0] for net in snapshot.trust.proxies), "")
        """The client of a request that came from nobody: the proxy that sent it."""
        self.recording = Recording(Tokens(KEY))
        self.recording.install(snapshot, 1)

    def line(self, head: RequestHead, draw: float = 0.5) -> bytes:
        """The access line, with its newline, of a request that was decided with `draw`."""
        return encode_lines([self.access_line(head, draw)])

    def access_line(self, head: RequestHead, draw: float = 0.5) -> AccessLine:
        """The same, before it is written."""
        decision = decide(self.table, head, draw)
        line = AccessLine(
            "2026-11-23T03:00:00.000Z",
            head.method.decode("latin-1"),
            head.path.decode("latin-1"),
            decision.status if isinstance(decision, Reply) else 200,
            1.0,
            head.client_ip or self.nobody,
        )
        if isinstance(decision, Forward):
            line.route, line.backend = decision.route.name, decision.backend
            line.reason, line.bucket = decision.reason, decision.bucket
            line.revision = 1
            self.recording.write(line, head)
        return line


def end_of(decision: Decision) -> End:
    """Where a decision leads, in the words of a replay."""
    if isinstance(decision, Reply):
        return End("", "", f"{decision.status} {decision.detail}")
    return End(decision.route.name, decision.backend)
