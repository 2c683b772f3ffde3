"""However two sides fall ill and get well, customers get what can be had, and nothing twice."""

from __future__ import annotations

import json
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.proxy.backend_state import BackendState
from gateway.resilience.service import Service
from gateway.routing.protection import Breaker, Fallback, SoftError
from gateway.routing.snapshot import Address, Backend, Match, Route, Share, Snapshot, Trust
from tests.support.data_path import DataPath, End
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream, RequestStream

Illness = Literal["", "refuses", "cuts", "fails", "lies", "misses"]
_SIDES = ("candidate", "legacy")
_ILLNESSES: st.SearchStrategy[Illness] = st.sampled_from(
    ["", "", "refuses", "cuts", "fails", "lies", "misses"]
)


def _side(name: str, other: str) -> Backend:
    return Backend(
        name=name,
        addresses=(Address(host=name, port=1),),
        breaker=Breaker(min_requests=2, window_s=1.0, open_s=1e-6),
        soft_errors=(SoftError(json="$.error", counts_as=503),),
        fallback=Fallback(to=other),
    )


_SNAPSHOT = Snapshot(
    digest="0" * 64,
    trust=Trust(),
    backends=(_side("candidate", "legacy"), _side("legacy", "candidate")),
    routes=(
        Route(
            name="images",
            matches=(Match(path_prefix="/images"),),
            shares=(
                Share(backend="candidate", start=0, end=50_000),
                Share(backend="legacy", start=50_000, end=100_000),
            ),
        ),
        Route(name="rest", matches=(Match(path_prefix="/"),), backend="candidate"),
    ),
)


class _Connection:
    """A backend's end of a connection."""

    def __init__(self, end: End, side: str) -> None:
        self.end = end
        self.side = side
        self.stream = RequestStream()
        self.answered = 0

    def next(self) -> Request | None:
        """The request that waits for an answer, if one does."""
        self.stream.feed(bytes(self.end.came))
        self.end.came.clear()
        requests = self.stream.requests
        if self.end.has_ended or self.answered == len(requests):
            return None
        self.answered += 1
        return requests[-1]


class IllBackends(RuleBasedStateMachine):
    """A shop with two sides, either of which may be ill in many ways."""

    def __init__(self) -> None:
        super().__init__()
        self._path = DataPath(_SNAPSHOT)
        self._connections: list[_Connection] = []
        self._illness: dict[str, Illness] = dict.fromkeys(_SIDES, "")
        self._created: list[bytes] = []
        """The target of each creation that a side has read."""
        self._asked = 0
        self._waiting: list[End] = []

    @rule(candidate=_ILLNESSES, legacy=_ILLNESSES)
    def change(self, candidate: Illness, legacy: Illness) -> None:
        """Fall ill in some way, or get well."""
        self._illness = {"candidate": candidate, "legacy": legacy}
        self._path.refusing = {name for name in _SIDES if self._illness[name] == "refuses"}
        for connection in self._connections:
            if connection.side in self._path.refusing:
                connection.end.lose()
        self._path.settle()
        for _ in range(2):
            self.look(b"/images/7")
            self.create()
            self.look(b"/pages")

    @rule(seconds=st.sampled_from([0.25, 2.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        """Let the sweep find out that time went by."""
        self._path.gateway.sweep(self._path.gateway.now_s + seconds)
        self._path.settle()

    @rule(path=st.sampled_from([b"/images/7", b"/pages"]))
    def look(self, path: bytes) -> None:
        """Ask for something; whoever has it and can tell is heard."""
        answer = self._ask(b"GET", path)
        can = {name for name in _SIDES if self._illness[name] == ""}
        if can:
            # A side that says that it has nothing is believed, unless it was asked second.
            is_missed = answer.status == 404 and "misses" in self._illness.values()
            assert is_missed or json.loads(answer.body)["made_by"] in can
        if can == set(_SIDES):
            assert answer.status == 200
        if path == b"/pages" and self._illness["candidate"] not in {"", "misses"}:
            # They are the candidate's: that nobody else has them says nothing.
            assert answer.status != 404

    @rule()
    def create(self) -> None:
        """Make something: at most one side is asked, and exactly one if it is acknowledged."""
        self._asked += 1
        target = b"/images?%d" % self._asked
        answer = self._ask(b"POST", target)
        reached = self._created.count(target)
        assert reached <= 1
        if answer.status == 200:
            assert reached == 1

    @rule()
    def leave_at_once(self) -> None:
        """Ask, and go before anybody answers."""
        customer = self._path.customer()
        customer.send(b"GET /images/7 HTTP/1.1\r\nHost: shop\r\n\r\n")
        customer.lose()
        self._path.settle()
        self._read_all(may_answer=False)

    def _ask(self, method: bytes, target: bytes) -> Answer:
        customer = self._path.customer()
        body = b"Content-Length: 2\r\n\r\nhi" if method == b"POST" else b"\r\n"
        customer.send(method + b" " + target + b" HTTP/1.1\r\nHost: shop\r\n" + body)
        request = RequestStream()
        request.feed(method + b" " + target + b" HTTP/1.1\r\nHost: shop\r\n" + body)
        for _ in range(8):
            self._path.settle()
            self._read_all()
        self._path.settle()
        stream = AnswerStream(lambda _: request.requests[0])
        stream.feed(bytes(customer.came))
        assert stream.is_at_rest
        (answer,) = stream.answers
        assert answer.is_complete
        customer.lose()
        self._path.settle()
        return answer

    def _read_all(self, *, may_answer: bool = True) -> None:
        known = {connection.end for connection in self._connections}
        for end in self._path.backends:
            if end not in known:
                side = self._path.backend_of[end]
                self._connections.append(_Connection(end, side))
        self._connections = [c for c in self._connections if not c.end.has_ended]
        for connection in self._connections:
            request = connection.next()
            if request is not None:
                if request.method == b"POST":
                    self._created.append(request.target)
                if may_answer:
                    self._answer(connection)
                else:
                    connection.end.lose()
        self._path.settle()

    def _answer(self, connection: _Connection) -> None:
        illness = self._illness[connection.side]
        if illness in {"cuts", "refuses"}:
            connection.end.lose()
            return
        body = json.dumps(
            {"error": "later"} if illness == "lies" else {"made_by": connection.side}
        ).encode()
        status = {"fails": b"503 Later", "misses": b"404 Not Found"}.get(illness, b"200 OK")
        connection.end.send(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )

    def teardown(self) -> None:
        """Both get well: a few minutes and requests bring them back into service."""
        self._illness = dict.fromkeys(_SIDES, "")
        self._path.refusing = set()
        for _ in range(8):
            self.pass_time(40.0)
            self.create()
            self.look(b"/pages")
        for name in _SIDES:
            assert self._state(name).service is Service.IN

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """With nobody waiting, nothing is under way, and no trial is either."""
        for name in _SIDES:
            state = self._state(name)
            assert not state.is_trial_running
            assert state.pool.in_flight == 0

    def _state(self, name: str) -> BackendState:
        return self._path.gateway._states[name]


IllBackends.TestCase.settings = settings(max_examples=30, stateful_step_count=8)
TestIllBackends = IllBackends.TestCase
