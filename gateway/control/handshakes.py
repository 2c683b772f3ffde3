"""TLS that did not come about: why, how often, and who it was last."""

from __future__ import annotations

import ssl

from gateway.control.log import note
from gateway.telemetry.events import Event

_SAY_AGAIN_S = 60.0
"""One line a minute and cause: whatever is reachable is tried by strangers all day."""
_CAUSES = {
    "HTTP_REQUEST": "plain_http",
    "UNSUPPORTED_PROTOCOL": "version",
    "VERSION_TOO_LOW": "version",
    "NO_SHARED_CIPHER": "cipher",
}
"""OpenSSL's reasons."""
_SILENT = frozenset({"closed"})
"""Load balancers look if a port is open by connecting and closing, again and again."""


class Handshakes:
    """Of one worker."""

    def __init__(self) -> None:
        self.failed: dict[str, int] = {}
        """How often each cause was met."""
        self._said: dict[str, tuple[float, int]] = {}
        """Cause -> when the last line was, and how many there had been by then."""

    def note_failure(self, error: OSError, client: str, now_s: float) -> None:
        """Count one, and say so if it is news; `now_s` is monotonic."""
        cause = cause_of(error)
        count = self.failed[cause] = self.failed.get(cause, 0) + 1
        said_s, said_count = self._said.get(cause, (-_SAY_AGAIN_S, 0))
        if cause not in _SILENT and now_s - said_s >= _SAY_AGAIN_S:
            self._said[cause] = now_s, count
            since = count - said_count
            note(Event.TLS_HANDSHAKE_FAILED, cause=cause, client=client, count=since)


def cause_of(error: OSError) -> str:
    """One of few words for why TLS was not set up."""
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        # What the customer says of us, above all that it does not trust the certificate.
        return "refused_by_client" if "ALERT" in reason else _CAUSES.get(reason, "protocol")
    # The event loop's word for a customer who takes too long.
    return "timeout" if isinstance(error, ConnectionAbortedError) else "closed"
