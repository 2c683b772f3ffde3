"""A record is decided as its request was, or would be; or it is said what the record lacks."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.routing.decide import decide
from gateway.routing.snapshot import BUCKETS, Match, Route, Snapshot, Trust
from gateway.routing.table import Table
from gateway.whatif.outcome import Outcome
from gateway.whatif.record import Record, read_line
from gateway.whatif.replay import Replay
from gateway.whatif.tokens import Tokens
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.generated import draws, requests, snapshots
from tests.unit.gateway.routing.shop import (
    CLIENT_IP,
    COOKIE,
    CUSTOMER,
    IMAGE_OWNER,
    MONOLITH,
    head,
    images,
    shares,
    snapshot,
)
from tests.unit.gateway.whatif.recorded import KEY, Recorded, end_of


def _record(line: bytes) -> Record:
    record = read_line(line.rstrip(b"\n"))
    assert isinstance(record, Record)
    return record


def _truth(old: Snapshot, new: Snapshot, request: RequestHead, draw: float) -> Outcome:
    """What the request itself comes to under both."""
    return Outcome(
        end_of(decide(Table(old), request, draw)), end_of(decide(Table(new), request, draw))
    )


_PROXIES = st.sampled_from([Trust(), Trust(proxies=("192.0.2.99/32",))])


@given(snapshots(), snapshots(), requests(), draws, st.tuples(st.booleans(), _PROXIES))
@settings(max_examples=80, deadline=None)
def test_promise_5_what_a_record_decides_is_what_the_request_itself_comes_to(
    old: Snapshot, new: Snapshot, request: RequestHead, draw: float, world: tuple[bool, Trust]
) -> None:
    has_key, trust = world
    old, new = replace(old, trust=trust), replace(new, trust=trust)
    record = _record(Recorded(old).line(request, draw))
    replayed = Replay(old, new, Tokens(KEY) if has_key else None).decide(record)
    truth = _truth(old, new, request, draw)
    assert truth in replayed.outcomes
    if replayed.is_decided:
        assert {outcome.is_moved for outcome in replayed.outcomes} == {truth.is_moved}
    else:
        assert replayed.missing
    assert bool(replayed.missing) == (len(replayed.outcomes) > 1)


@given(snapshots(), requests(), draws, st.integers(0, BUCKETS))
@settings(max_examples=40, deadline=None)
def test_promise_5_where_only_weights_change_every_record_decides(
    old: Snapshot, request: RequestHead, draw: float, weight: int
) -> None:
    new = replace(
        old,
        routes=tuple(
            replace(route, shares=shares(new=weight, old=BUCKETS - weight))
            if route.shares
            else route
            for route in old.routes
        ),
    )
    record = _record(Recorded(old).line(request, draw))
    assume(record.route)  # a refusal's line notes nothing
    for tokens in (Tokens(KEY), None):
        replayed = Replay(old, new, tokens).decide(record)
        assert replayed.is_decided
        assert _truth(old, new, request, draw) in replayed.outcomes


@given(snapshots(), snapshots(), st.lists(st.tuples(requests(), draws), max_size=4))
@settings(max_examples=40, deadline=None)
def test_records_of_one_kind_are_decided_each_by_its_own_buckets(
    old: Snapshot, new: Snapshot, asked: list[tuple[RequestHead, float]]
) -> None:
    """What is kept of one record for the next one changes nothing."""
    recorded, replay = Recorded(old), Replay(old, new, Tokens(KEY))
    for request, draw in asked * 2:
        record = _record(recorded.line(request, draw))
        assert replay.decide(record) == Replay(old, new, Tokens(KEY)).decide(record)


OLD = snapshot(images(5_000), MONOLITH)
NEW = snapshot(images(25_000), MONOLITH)


@pytest.mark.parametrize(
    ("old", "new", "line", "missing"),
    [
        pytest.param(
            snapshot(MONOLITH),
            NEW,
            b'{"method":"POST","path":"/images","status":200,"client":"192.0.2.1"}',
            ("header x-customer-id", "cookie customer"),
            id="a route that becomes sticky: the address is known, what comes before it is not",
        ),
        pytest.param(
            snapshot(replace(images(5_000), sticky=()), MONOLITH),
            snapshot(replace(images(25_000), sticky=()), MONOLITH),
            b'{"method":"POST","path":"/images","status":200,"reason":"sticky","bucket":7}',
            ("draw",),
            id="drawn anew, where no draw was recorded",
        ),
        pytest.param(
            snapshot(MONOLITH),
            snapshot(
                Route(
                    name="beta",
                    matches=(Match(path_prefix="/", headers=(("x-beta", "on"),)),),
                    backend="image_service",
                ),
                MONOLITH,
            ),
            b'{"method":"GET","path":"/","status":200,"client":"192.0.2.1"}',
            ("header x-beta",),
            id="a header that no route asked for so far",
        ),
        pytest.param(
            snapshot(MONOLITH),
            snapshot(
                Route(
                    name="beta",
                    matches=(Match(path_prefix="/", query=(("v", "2"),)),),
                    backend="image_service",
                ),
                MONOLITH,
            ),
            b'{"method":"GET","path":"/","status":200,"client":"192.0.2.1"}',
            ("query v",),
            id="a key of the query that no route asked for so far",
        ),
    ],
)
def test_what_the_record_lacks_is_named(
    old: Snapshot, new: Snapshot, line: bytes, missing: tuple[str, ...]
) -> None:
    replayed = Replay(old, new).decide(_record(line))
    assert not replayed.is_decided
    assert replayed.missing == missing


def test_a_key_that_is_missing_and_changes_nothing_is_not_missed() -> None:
    """Both files ask for the customer, and whoever that is, the request stays."""
    line = b'192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "POST /images HTTP/1.1" 200 1 "-" "x"'
    replayed = Replay(OLD, OLD).decide(_record(line))
    assert replayed.is_decided
    assert len(replayed.outcomes) == 2
    assert not any(outcome.is_moved for outcome in replayed.outcomes)


@pytest.mark.parametrize(("host", "is_moved"), [(b"Shop.test:80", True), (b"other.test", False)])
def test_a_file_that_newly_asks_for_hosts_reads_them_in_the_line(
    host: bytes, *, is_moved: bool
) -> None:
    """Each line has its Host, whether or not a route has asked for it."""
    ours = Route(
        name="ours", matches=(Match(path_prefix="/", hosts=("shop.test",)),), backend="new"
    )
    line = b'{"method":"GET","path":"/","status":200,"client":"192.0.2.1","host":"%b"}' % host
    replayed = Replay(snapshot(MONOLITH), snapshot(ours, MONOLITH)).decide(_record(line))
    assert [outcome.is_moved for outcome in replayed.outcomes] == [is_moved]


def test_another_log_decides_by_path_query_and_address() -> None:
    """Stickiness by address, a query key and an owner need nothing that is not in every log."""
    by_address = replace(images(5_000), sticky=(CLIENT_IP,))
    grown = replace(images(60_000), sticky=(CLIENT_IP,))
    beta = Route(
        name="beta",
        matches=(Match(path_prefix="/products", query=(("v", "2"),)),),
        backend="image_service",
    )
    replay = Replay(snapshot(by_address, MONOLITH), snapshot(beta, grown, MONOLITH))
    said = {
        request: replay.decide(
            _record(b'192.0.2.1 - - [23/Nov/2026:03:00:00 +0000] "%b HTTP/1.1" 200 1' % request)
        )
        for request in (b"POST /images", b"GET /images/7", b"GET /products?v=2", b"GET /products")
    }
    assert all(len(replayed.outcomes) == 1 for replayed in said.values())
    assert [replayed.outcomes[0].is_moved for replayed in said.values()] == [
        True,
        False,
        True,
        False,
    ]
    assert said[b"GET /images/7"].is_existing


_PAIRS = st.sampled_from(["v=1", "v=", "v", "v=%31", "v=2", "w=1", "w=3", "x=1", "", "v=1+"])


def _asking(backend: str) -> Snapshot:
    """By query keys, empty values among what is wanted, and by a header."""
    wanted = ((("v", "1"),), (("v", ""), ("w", "1")), (("w", "3"),))
    routes = [
        Route(name=f"q{n}", matches=(Match(path_prefix="/", query=each),), backend=f"{backend}{n}")
        for n, each in enumerate(wanted)
    ]
    by_header = Match(path_prefix="/h", headers=(("x-a", "1"),), query=(("v", "2"),))
    return snapshot(*routes, Route(name="h", matches=(by_header,), backend=backend), MONOLITH)


@given(st.lists(st.lists(_PAIRS, max_size=3).map("&".join), max_size=6))
@settings(max_examples=60, deadline=None)
def test_queries_of_one_kind_are_decided_alike(queries: list[str]) -> None:
    """What is kept of one for the next changes nothing, in our lines and in those of others."""
    old, new = _asking("a"), _asking("b")
    recorded, replay = Recorded(old), Replay(old, new, Tokens(KEY))
    for path in ("/", "/h"):
        for query in queries:
            asked = head(path)
            asked.query = query.encode()
            others = b'1.2.3.4 - - [x] "GET %b?%b HTTP/1.1" 200 1' % (path.encode(), asked.query)
            for line in (recorded.line(asked), others):
                record = _record(line)
                assert replay.decide(record) == Replay(old, new, Tokens(KEY)).decide(record)


def test_what_customers_search_for_is_not_decided_each_time_anew() -> None:
    """Where a log lacks headers, a decision is many decisions: a million lines would take days."""
    routes = [
        Route(
            name=f"r{n}",
            matches=(
                Match(path_prefix="/", headers=((f"x-{n % 6}", f"{n}"),), query=(("q", f"{n}"),)),
            ),
            backend=f"b{n % 2}",
        )
        for n in range(40)
    ]
    replay = Replay(snapshot(*routes, MONOLITH), snapshot(*routes[1:], MONOLITH))
    began_s = time.process_time()
    for n in range(400):
        line = b'1.2.3.4 - - [x] "GET /?q=search+%d HTTP/1.1" 200 1 "-" "agent %d"' % (n, n)
        assert replay.decide(_record(line)).customer == "1.2.3.4"
    assert time.process_time() - began_s < 1


def test_a_value_behind_a_token_decides_where_the_key_is_at_hand() -> None:
    """Sensitive values are compared without being read; without the key nobody can."""
    plan = Route(
        name="gold",
        matches=(Match(path_prefix="/", headers=(("x-api-key", "gold"),)),),
        backend="image_service",
    )
    old = snapshot(plan, MONOLITH)
    new = snapshot(replace(plan, backend="other"), MONOLITH)
    line = Recorded(old).line(head("/", named={b"x-api-key": b"gold"}))
    assert b"gold" not in line.replace(b'"route":"gold"', b"")
    assert Replay(old, new, Tokens(KEY)).decide(_record(line)).outcomes[0].is_moved
    blind = Replay(old, new).decide(_record(line))
    assert blind.missing == ("header x-api-key, a token",)


def test_another_trust_leaves_open_whose_address_it_was() -> None:
    by_address = snapshot(replace(images(5_000), sticky=(CLIENT_IP,)), MONOLITH)
    behind = replace(by_address, trust=replace(by_address.trust, proxies=("10.0.0.0/8",)))
    line = Recorded(by_address).line(head("/images", b"POST", client_ip="192.0.2.1"))
    replayed = Replay(by_address, behind).decide(_record(line))
    assert replayed.missing == ("client_ip, as the new trust.proxies reads it",)


def test_another_trust_leaves_open_what_only_testers_may_send() -> None:
    """Of those who are testers under both files, or under neither, nothing is open."""
    beta = Route(
        name="beta",
        matches=(Match(path_prefix="/", headers=(("x-figueira-beta", "1"),)),),
        backend="image_service",
    )
    old = replace(snapshot(beta, MONOLITH), trust=Trust(testers=("192.0.2.0/24",)))
    new = replace(old, trust=Trust(testers=("192.0.2.0/24", "198.51.100.0/24")))
    replay = Replay(old, new)
    always = Recorded(old).line(head("/", named={b"x-figueira-beta": b"1"}, client_ip="192.0.2.1"))
    never = Recorded(old).line(head("/", client_ip="203.0.113.1"))
    newly = Recorded(old).line(head("/", client_ip="198.51.100.1"))
    assert len(replay.decide(_record(always)).outcomes) == 1
    assert len(replay.decide(_record(never)).outcomes) == 1
    assert replay.decide(_record(newly)).missing == (
        "header x-figueira-beta, as the new trust reads it",
    )


def test_a_file_that_asks_for_too_much_is_undecidable_and_not_endless() -> None:
    """A hundred headers, none of them recorded."""
    routes = [
        Route(
            name=f"r{n}",
            matches=(Match(path_prefix="/", headers=((f"x-{n}", "1"),)),),
            backend=f"b{n}",
        )
        for n in range(100)
    ]
    replayed = Replay(snapshot(MONOLITH), snapshot(*routes, MONOLITH)).decide(
        _record(b'{"method":"GET","path":"/","status":200}')
    )
    assert not replayed.is_decided
    assert replayed.missing


def test_sticky_sources_before_the_one_that_decides_have_to_be_known() -> None:
    """Without a header the cookie decides: the record says that there was no header."""
    old = snapshot(replace(images(5_000), sticky=(CUSTOMER, COOKIE)), MONOLITH)
    new = snapshot(replace(images(95_000), sticky=(COOKIE, CUSTOMER)), MONOLITH)
    line = Recorded(old).line(head("/images", b"POST", {b"cookie": b"a=b; customer=7"}))
    assert len(Replay(old, new).decide(_record(line)).outcomes) == 1


@pytest.mark.parametrize(("draw", "is_refused"), [(0.1, False), (0.9, True)])
def test_whether_a_path_is_ambiguous_may_hang_on_the_bucket(draw: float, is_refused: bool) -> None:
    """As a list it is the image service's; as new work it is whose bucket it is."""
    everything = replace(
        images(50_000, owner=replace(IMAGE_OWNER, lists="image_service"), sticky=()),
        matches=(Match(path_prefix="/"),),
    )
    made = snapshot(everything, MONOLITH)
    line = Recorded(made).line(head("/a/../images"), draw)
    (outcome,) = (
        Replay(snapshot(MONOLITH), made)
        .decide(_record(line.replace(b'"status"', b'"bucket":%d,"status"' % int(draw * 100_000))))
        .outcomes
    )
    assert bool(outcome.new.refusal) is is_refused
    open_ended = Replay(snapshot(MONOLITH), made).decide(
        _record(b'{"method":"GET","path":"/a/../images","status":200}')
    )
    assert open_ended.missing == ("draw",)


_SECRET, _OTHER_SECRET = "s" * 32, "t" * 32
_LEFT_OPEN = "header x-figueira-backend, as the new trust reads it"


@pytest.mark.parametrize(
    ("old", "new", "goes_to"),
    [
        (Trust(testers=("192.0.2.0/24",)), Trust(testers=("192.0.2.0/25",)), "image_service"),
        (Trust(testers=("192.0.2.0/24",)), Trust(), "legacy"),
        (Trust(), Trust(testers=("192.0.2.0/24",)), "image_service"),
        (Trust(pin_secret=_SECRET), Trust(pin_secret=_SECRET), "image_service"),
        (Trust(pin_secret=_SECRET), Trust(pin_secret=_OTHER_SECRET), "legacy"),
        (Trust(), Trust(pin_secret=_SECRET), "image_service"),
        (
            Trust(testers=("192.0.2.0/24",), pin_secret=_SECRET),
            Trust(pin_secret=_SECRET),
            _LEFT_OPEN,
        ),
        (Trust(testers=("192.0.2.0/24",)), Trust(proxies=("192.0.2.99/32",)), _LEFT_OPEN),
    ],
    ids=[
        "still-a-tester",
        "no-tester-any-more",
        "a-tester-now",
        "signed",
        "another-secret",
        "old-secret-not-told",
        "signed-perhaps",
        "another-customer-perhaps",
    ],
)
def test_a_testers_pin_is_judged_by_the_new_trust(old: Trust, new: Trust, goes_to: str) -> None:
    """Whoever is no tester any more goes where everybody goes; a signature may still do."""
    file = snapshot(images(0), MONOLITH)
    request = head("/images", b"POST", client_ip="192.0.2.1")
    request.pin = "image_service"
    record = _record(Recorded(file).line(request))
    assert record.reason == "pin"
    replayed = Replay(replace(file, trust=old), replace(file, trust=new)).decide(record)
    if goes_to == _LEFT_OPEN:
        assert replayed.missing == (_LEFT_OPEN,)
    else:
        assert [outcome.new.backend for outcome in replayed.outcomes] == [goes_to]
