"""A request's head as far as its record tells it, for the decision to be made again.

What the record does not tell is asked for by raising `Untold` with every value that could make a
difference; whoever replays assumes one after the other. So a decision is told apart from a guess,
and a key that is missing but changes nothing is not missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final
from urllib.parse import quote_from_bytes

from gateway.routing.decide import Reason
from gateway.routing.split import bucket_of
from gateway.telemetry.access_line import Hidden, Noted
from gateway.whatif.knowledge import CLIENT_IP, Knowledge
from gateway.whatif.record import CombinedRecord, Record
from gateway.wire.messages import RequestHead

PRESENT: Final = b"\x01"
"""In a value's place: it is there, and is none that a route asks for. No header can hold it."""
MOST_VALUES = 64
"""Of one key that are assumed in turn; a file with more asks too much of a record without it."""

_PIN_READ_ANEW = "header x-figueira-backend, as the new trust reads it"

Value = bytes | None


class _NotNoted(Enum):
    """Neither there nor absent, as far as the record goes."""

    IT = 0


_NOT_NOTED = _NotNoted.IT


class Untold(Exception):  # noqa: N818 - a question, not a failure
    """The record does not tell a key on which the decision may depend."""

    def __init__(self, key: str, values: Sequence[Value]) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
        """All that could make a difference; None for a request without the key."""


class _Named(dict[bytes, bytes]):
    """Headers by lower-case name, recalled when they are looked at."""

    def __init__(self, recall: Recall) -> None:
        super().__init__()
        self._recall = recall

    def __missing__(self, name: bytes) -> bytes:
        value = self._recall.header(name.decode())
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]  # the overloads of dict
        value = self._recall.header(name.decode())
        return default if value is None else value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and self._recall.header(name.decode()) is not None


class RecalledHead(RequestHead):
    """A head that asks the record for what is looked at."""

    __slots__ = ("_recall",)

    def __init__(self, recall: Recall) -> None:
        record = recall.record
        self._recall = recall
        method, path = record.method, record.path
        super().__init__(method.encode("latin-1", "replace"), path.encode("latin-1", "replace"))
        self.named = _Named(recall)
        self.pin = recall.pin()
        """The backend that a tester asks for; empty without one."""

    @property
    def query(self) -> bytes:
        """With the keys that some route asks for."""
        return self._recall.query()

    @query.setter
    def query(self, query: bytes) -> None:
        """Stay with the record's."""

    @property
    def client_ip(self) -> str:
        """As text; a stand-in where only the bucket counts."""
        return self._recall.client_ip()

    @client_ip.setter
    def client_ip(self, client_ip: str) -> None:
        """Stay with the record's."""


def pin_of(record: Record) -> str:
    """The backend that a tester's pin chose; empty where none did."""
    return record.backend if record.reason == Reason.PIN else ""


class Recall:
    """One record, with what is assumed for the moment."""

    def __init__(self, record: Record, known: Knowledge) -> None:
        self.record = record
        self._known = known
        self.assumed: dict[str, Value] = {}
        """Key -> value."""
        self.is_new = False
        """Whether it is the new snapshot that looks."""

    def pin(self) -> str:
        """The backend that a tester asks for, if whoever decides believes it; empty if not."""
        asked = pin_of(self.record)
        if not asked or not self.is_new:
            return asked
        is_kept = self._known.trust.keeps_pin(self.record)
        if is_kept is None:
            is_kept = self._assume(_PIN_READ_ANEW, [None, asked.encode()]) is not None
        return asked if is_kept else ""

    def bucket(self, source: str) -> int | None:
        """The bucket of a sticky source that is there; None if it is not told."""
        noted = (self.record.sticky or {}).get(source)
        if noted is not None:
            return noted.bucket
        if source == CLIENT_IP and self._known.names_somebody(self.record.client):
            return bucket_of(self.record.client.encode())
        return None

    def drawn_bucket(self) -> int | None:
        """The bucket of the draw; None where none was recorded."""
        record = self.record
        # Where nothing sticky was there, the bucket is the draw's, whoever had the last word.
        was_sticky = record.reason == Reason.STICKY or any((record.sticky or {}).values())
        return None if was_sticky else record.bucket

    def draw(self) -> float:
        """What to decide by where nothing is sticky; the bucket is seen to afterwards."""
        return 0.0

    def is_stand_in(self, source: str) -> bool:
        """Whether a sticky source that decided has no value here, so that its bucket is not its."""
        kind, _, name = source.partition(":")
        if kind == "header":
            return self.header(name) == PRESENT
        return kind != "cookie" or self._cookie(name) == PRESENT

    def header(self, name: str) -> Value:
        """A header's value; a stand-in for one of which only that it is there is known."""
        if name == "cookie" and self._known.cookies:
            return self._cookies()
        value = self._header(name)
        return self._present(f"header:{name}") if value == PRESENT else value

    def _present(self, source: str) -> Value:
        """A stand-in for a value; its bucket is seen to afterwards."""
        del source
        return PRESENT

    def _header(self, name: str) -> Value:
        headers = self.record.headers
        told = _NOT_NOTED if headers is None else headers.get(name, _NOT_NOTED)
        if told is _NOT_NOTED and name == "host" and self.record.host:
            told = self.record.host
        wanted = [value.encode() for value in self._known.asked.headers.get(name, ())]
        if self._may_read_otherwise(name):
            return self._assume(f"header {name}, as the new trust reads it", [None, *wanted])
        if told is None or isinstance(told, str):
            return None if told is None else told.encode()
        if isinstance(told, Hidden):
            return self._hidden(f"header {name}", wanted, told.token, None)
        return self._sticky_header(name, wanted)

    def _may_read_otherwise(self, name: str) -> bool:
        trust = self._known.trust
        return self.is_new and name in trust.headers and trust.reads_otherwise(self.record)

    def _sticky_header(self, name: str, wanted: list[bytes]) -> Value:
        """A header that is noted as sticky, or not at all."""
        noted = self._noted(f"header:{name}")
        if isinstance(noted, Noted):
            return self._hidden(f"header {name}", wanted, noted.token, noted.bucket)
        if noted is None:
            # Absent, or there and empty.
            return self._assume(f"header {name}", [None, b""] if b"" in wanted else [None])
        present = [PRESENT] if name in self._known.sticky_headers else []
        return self._assume(f"header {name}", [None, *wanted, *present])

    def query(self) -> bytes:
        """A query that says of each key asked for what the record says."""
        record = self.record
        if isinstance(record, CombinedRecord):
            return record.raw_query
        pairs = []
        for key, wanted in self._known.asked.query.items():
            value = self._query_value(key, [each.encode() for each in wanted])
            if value is not None:
                pairs.append(f"{quote_from_bytes(key.encode(), '')}={quote_from_bytes(value, '')}")
        return "&".join(pairs).encode()

    def _query_value(self, key: str, wanted: list[bytes]) -> Value:
        told = _NOT_NOTED if self.record.query is None else self.record.query.get(key, _NOT_NOTED)
        if isinstance(told, str):
            return told.encode()
        if told is None:
            return None
        if isinstance(told, Hidden):
            return self._hidden(f"query {key}", wanted, told.token, None)
        return self._assume(f"query {key}", [None, *wanted])

    def client_ip(self) -> str:
        """A stand-in for the customer's address; empty if it has none."""
        noted = self._noted(CLIENT_IP)
        if noted is None:
            return ""
        is_there = isinstance(noted, Noted) or self._known.names_somebody(self.record.client)
        if not is_there and self._assume(CLIENT_IP, [None, PRESENT]) is None:
            return ""
        return (self._present(CLIENT_IP) or b"").decode()

    def _noted(self, source: str) -> Noted | _NotNoted | None:
        sticky = self.record.sticky
        return _NOT_NOTED if sticky is None else sticky.get(source, _NOT_NOTED)

    def _cookies(self) -> Value:
        told = (self.record.headers or {}).get("cookie", _NOT_NOTED)
        if told is None:
            return None
        pairs = [b"%b=%b" % (n.encode(), v) for n in self._known.cookies if (v := self._cookie(n))]
        return b"; ".join(pairs) or None

    def _cookie(self, name: str) -> Value:
        noted = self._noted(f"cookie:{name}")
        if noted is None:
            return None
        is_there = isinstance(noted, Noted)
        if not is_there and self._assume(f"cookie {name}", [None, PRESENT]) is None:
            return None
        return self._present(f"cookie:{name}")

    def _hidden(self, key: str, wanted: list[bytes], token: str, bucket: int | None) -> Value:
        """The value behind a token, as far as it is one that a route asks for."""
        tokens = self._known.tokens
        possible = [value for value in wanted if bucket in {None, bucket_of(value)}]
        if tokens is not None:
            return next((value for value in possible if tokens.token(value) == token), PRESENT)
        return self._assume(f"{key}, a token" if possible else key, [PRESENT, *possible])

    def _assume(self, key: str, values: Sequence[Value]) -> Value:
        if len(values) == 1:
            return values[0]
        if key in self.assumed:
            return self.assumed[key]
        raise Untold(key, values)
