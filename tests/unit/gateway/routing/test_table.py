"""Which match takes a request: Gateway API's precedence, with the traps in its rows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.routing.pattern import Patterns
from gateway.routing.snapshot import Match, Route
from gateway.routing.table import Entry, Table, Unmet
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.shop import (
    CLIENT_IP,
    MONOLITH,
    head,
    images,
    prefix,
    table,
)

_WANTED = ("x-version", "2")


def _route(name: str, *matches: Match) -> Route:
    return Route(name=name, matches=matches, backend=name)


def _taker(routes: Table, request: RequestHead) -> str | None:
    entry = routes.find(request, request.path)
    return entry.way.route.name if entry else None


# In an order that is the reverse of precedence wherever that is possible: the file's order decides
# only among equals.
_HOUSE = table(
    _route("v2", prefix("/v2")),
    _route("v2-query", Match(path_prefix="/v2", query=(("a", "1"),))),
    _route("v2-two-queries", Match(path_prefix="/v2", query=(("a", "1"), ("b", "2")))),
    _route("v2-header", Match(path_prefix="/v2", headers=(_WANTED,))),
    _route("v2-two-headers", Match(path_prefix="/v2", headers=(_WANTED, ("x-color", "blue")))),
    _route("v2-post", Match(path_prefix="/v2", methods=("POST",))),
    _route("v2-items", prefix("/v2/items")),
    _route("v2-exact", Match(path="/v2")),
    _route("v2-exact-slash", Match(path="/v2/")),
    _route("put-only", Match(path="/once", methods=("PUT",))),
    _route("once", prefix("/once")),
    _route("either", prefix("/x"), Match(path="/y")),
    _route("escaped", prefix("/caf%C3%A9")),
    _route("late-x", prefix("/x")),
    _route("monolith", prefix("/")),
)
_BOTH = {b"x-version": b"2", b"x-color": b"blue"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(head("/v2"), "v2-exact", id="exact-over-prefix"),
        pytest.param(head("/v2/"), "v2-exact-slash", id="a-slash-at-the-end-counts-when-exact"),
        pytest.param(head("/v2/x"), "v2", id="prefix"),
        # Not a path segment prefix.
        pytest.param(head("/v2example"), "monolith", id="prefix-of-whole-segments-only"),
        pytest.param(head("/v2.1"), "monolith", id="a-dot-ends-no-segment"),
        pytest.param(head("/V2/x"), "monolith", id="paths-are-case-sensitive"),
        pytest.param(head("/x/v2"), "either", id="prefix-from-the-beginning-only"),
        pytest.param(head("/v2/items"), "v2-items", id="longest-prefix"),
        pytest.param(head("/v2/items/"), "v2-items", id="longest-prefix-with-slash"),
        pytest.param(head("/v2/items/7"), "v2-items", id="longest-prefix-below"),
        pytest.param(head("/v2/itemsX"), "v2", id="the-longer-prefix-is-of-whole-segments-too"),
        # A longer path wins over any number of other conditions.
        pytest.param(head("/v2/items", b"POST", _BOTH), "v2-items", id="length-over-conditions"),
        pytest.param(head("/v2", b"POST", _BOTH), "v2-exact", id="exact-over-conditions"),
        pytest.param(head("/v2/x", b"POST", _BOTH), "v2-post", id="method-over-headers"),
        pytest.param(head("/v2/x?a=1&b=2", named=_BOTH), "v2-two-headers", id="most-headers"),
        pytest.param(
            head("/v2/x?a=1&b=2", named={b"x-version": b"2"}), "v2-header", id="header-over-queries"
        ),
        pytest.param(head("/v2/x?b=2&a=1"), "v2-two-queries", id="most-query-keys"),
        pytest.param(head("/v2/x?a=1"), "v2-query", id="query"),
        pytest.param(head("/v2/x?a=1&a=2"), "v2-query", id="first-of-a-repeated-key"),
        pytest.param(head("/v2/x?a=2&a=1"), "v2", id="not-the-second-of-a-repeated-key"),
        pytest.param(head("/v2/x?%61=%31"), "v2-query", id="query-is-decoded"),
        pytest.param(head("/v2/x?a=1%"), "v2", id="broken-escape-in-a-query"),
        pytest.param(head("/v2/x?A=1"), "v2", id="query-keys-are-case-sensitive"),
        pytest.param(head("/v2/x?a"), "v2", id="key-without-value"),
        pytest.param(head("/v2/x?a=11"), "v2", id="value-is-exact"),
        pytest.param(head("/v2/x?b=2"), "v2", id="half-of-the-query-keys"),
        pytest.param(head("/v2/x?a=1;b=2"), "v2", id="a-semicolon-parts-nothing"),
        pytest.param(head("/v2/x", named={b"x-version": b"2, 2"}), "v2", id="joined-header"),
        pytest.param(head("/v2/x", named={b"x-version": b"22"}), "v2", id="header-value-is-exact"),
        pytest.param(head("/v2/x", named={b"x-color": b"blue"}), "v2", id="half-of-the-headers"),
        pytest.param(head("/v2/x", b"post"), "v2", id="methods-are-case-sensitive"),
        # An exact path whose other conditions fail leaves the request to the prefixes.
        pytest.param(head("/once"), "once", id="exact-path-wrong-method"),
        pytest.param(head("/once", b"PUT"), "put-only", id="exact-path-right-method"),
        pytest.param(head("/x"), "either", id="file-order-among-equals"),
        pytest.param(head("/y"), "either", id="second-match-of-a-route"),
        pytest.param(head("/y/z"), "monolith", id="below-an-exact-path"),
        pytest.param(head("/caf%C3%A9/x"), "escaped", id="escapes-in-a-path"),
        pytest.param(head("/"), "monolith", id="root"),
        pytest.param(head("*", b"OPTIONS"), "monolith", id="the-server-itself"),
        pytest.param(head("/" + "a/" * 8000), "monolith", id="thousands-of-segments"),
    ],
)
def test_the_most_specific_match_takes_the_request(request_: RequestHead, expected: str) -> None:
    assert expected == _taker(_HOUSE, request_)


_EQUALS = [
    _route("first", prefix("/x")),
    _route("method", Match(path_prefix="/x", methods=("GET",))),
    _route("header", Match(path_prefix="/x", headers=(_WANTED,))),
    _route("query", Match(path_prefix="/x", query=(("a", "1"),))),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_files_order_changes_nothing_between_matches_that_differ(
    order: tuple[int, ...],
) -> None:
    routes = table(*(_EQUALS[index] for index in order))
    everything = head("/x?a=1", named={b"x-version": b"2"})
    assert _taker(routes, everything) == "method"
    assert [entry.way.route.name for entry in routes.candidates(b"/x")] == [
        "method",
        "header",
        "query",
        "first",
    ]


def test_without_a_catch_all_some_requests_find_no_route() -> None:
    routes = table(_route("x", prefix("/x")))
    assert _taker(routes, head("/y")) is None
    assert _taker(table(), head("/")) is None


class _Counted(dict[bytes, Entry]):
    """Look-ups that are counted."""

    asked = 0

    def get(self, key: bytes, default: object = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def _counted(routes: Table) -> _Counted:
    (paths,) = routes._paths.values()
    paths._prefixes = counted = _Counted(paths._prefixes)
    return counted


def test_a_path_is_looked_up_only_as_deep_as_some_route_goes() -> None:
    """A request cannot make the table look for 8,000 prefixes."""
    routes = table(_route("x", prefix("/x/y")), MONOLITH)
    counted = _counted(routes)
    assert _taker(routes, head("/x/z" + "/z" * 8000)) == "monolith"
    assert counted.asked == 3


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_work_does_not_grow_with_the_number_of_routes(count: int) -> None:
    """One look-up among the prefixes, and no entry tested but the one that takes the request."""
    some = [_route(f"r{n:04d}", prefix(f"/service-{n:04d}")) for n in range(count)]
    routes = table(*some, MONOLITH)
    counted = _counted(routes)
    last = f"r{count - 1:04d}"
    assert _taker(routes, head(f"/service-{count - 1:04d}/items/7")) == last
    assert counted.asked == 1


def test_patterns_are_looked_at_in_one_pass_however_many_there_are() -> None:
    some = [_route(f"r{n}", Match(path_regex=f"/s{n}/[0-9]+/thumb")) for n in range(500)]
    routes = table(*some, MONOLITH)
    (paths,) = routes._paths.values()
    passes: list[bytes] = []

    class Passes:
        def __init__(self, patterns: Patterns) -> None:
            self._patterns = patterns

        def matching(self, path: bytes) -> list[int]:
            passes.append(path)
            return self._patterns.matching(path)

    assert paths._patterns is not None
    paths._patterns = cast("Patterns", Passes(paths._patterns))
    assert _taker(routes, head("/s499/7/thumb")) == "r499"
    assert passes == [b"/s499/7/thumb"]


def test_routes_with_equal_splits_share_what_looks_them_up() -> None:
    """So that a thousand of them need no more of the processor's memory than one."""
    one, other = table(images(5), replace(images(5), name="other")).ways
    assert (one.split, one.sticky) == (other.split, other.sticky)


_ANYWHERE = [
    _route("any", prefix("/")),
    _route("any-exact", Match(path="/x")),
    _route("wild", Match(path_prefix="/", hosts=("*.example.com",))),
    _route("wild-longer", Match(path_prefix="/", hosts=("*.b.example.com",))),
    _route("exact", Match(path_prefix="/only", hosts=("a.b.example.com",))),
    _route("short", Match(path_prefix="/", hosts=("localhost", "::1", "127.0.0.1"))),
]


@pytest.mark.parametrize("order", [1, -1], ids=["in-order", "reversed"])
@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param(b"a.b.example.com", "/only/x", "exact", id="exact-over-wildcard"),
        pytest.param(b"A.B.Example.COM:8000", "/only", "exact", id="case-and-port-mean-nothing"),
        pytest.param(b"a.b.example.com.", "/only", "exact", id="final-dot"),
        pytest.param(b"a.b.example.com", "/x", "wild-longer", id="falls-to-the-next-host"),
        pytest.param(b"z.b.example.com", "/only", "wild-longer", id="longest-wildcard"),
        pytest.param(b"a.b.b.example.com", "/x", "wild-longer", id="several-labels"),
        pytest.param(b"b.example.com", "/x", "wild", id="a-wildcard-needs-a-label"),
        pytest.param(b"example.com", "/", "any", id="not-the-domain-itself"),
        pytest.param(b"badexample.com", "/", "any", id="whole-labels"),
        pytest.param(b"example.com.evil.org", "/", "any", id="from-the-end"),
        pytest.param(b"x.example.com", "/x", "wild", id="host-over-exact-path"),
        pytest.param(b"other.org", "/x", "any-exact", id="no-host-condition"),
        pytest.param(b"", "/x", "any-exact", id="no-host-at-all"),
        pytest.param(b"localhost:8000", "/x", "short", id="several-hosts"),
        pytest.param(b"[0:0::1]:8000", "/x", "short", id="ipv6-in-any-spelling"),
        pytest.param(b"127.0.0.1:80", "/x", "short", id="ipv4"),
        pytest.param(b"[::1", "/", "any", id="no-address"),
    ],
)
def test_the_most_specific_host_takes_the_request(
    host: bytes, path: str, expected: str, order: int
) -> None:
    routes = table(*_ANYWHERE[::order])
    request_ = head(path, named={b"host": host} if host else {})
    assert expected == _taker(routes, request_)
    # Remembered by then.
    assert expected == _taker(routes, request_)
    # The entry that lists all of its conditions as met is among the candidates.
    unmet = {entry.way.route.name for entry in routes.candidates(path.encode())} - {
        entry.way.route.name
        for entry in routes.entries()
        if not entry.all_unmet(request_, path.encode())
    }
    assert expected not in unmet


def test_hosts_are_not_remembered_without_end() -> None:
    routes = table(*_ANYWHERE)
    for number in range(3000):
        assert _taker(routes, head("/", named={b"host": b"h%d" % number})) == "any"
    assert _taker(routes, head("/", named={b"host": b"x" * 5000})) == "any"
    assert len(routes._chains) <= 1024
    assert all(len(host) <= 64 for host in routes._chains)


def test_a_table_without_hosts_does_not_read_them() -> None:
    assert b"host" not in table(_route("x", prefix("/x")), MONOLITH).header_names
    assert b"host" in table(*_ANYWHERE).header_names


_BY_KIND = [
    _route("prefix", prefix("/images/7/full")),
    _route("regex", Match(path_regex="/images/[0-9]+(/.*)?")),
    _route("regex-post", Match(path_regex="/images/.*", methods=("POST",))),
    _route("exact", Match(path="/images/8")),
    _route("exact-put", Match(path="/images/9", methods=("PUT",))),
    _route("images", prefix("/images")),
    MONOLITH,
]


@pytest.mark.parametrize("order", [1, -1], ids=["in-order", "reversed"])
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(head("/images/8"), "exact", id="exact-over-regex"),
        pytest.param(head("/images/9"), "regex", id="exact-whose-method-fails"),
        pytest.param(head("/images/7/full"), "regex", id="regex-over-longest-prefix"),
        pytest.param(head("/images/7", b"POST"), "regex-post", id="regex-with-method-first"),
        pytest.param(head("/images/seven"), "images", id="prefix-where-no-regex-matches"),
        pytest.param(head("/x/images/7"), "monolith", id="the-whole-path"),
        pytest.param(head("/images/7x"), "images", id="to-its-end"),
    ],
)
def test_a_regex_comes_between_exact_paths_and_prefixes(
    request_: RequestHead, expected: str, order: int
) -> None:
    assert expected == _taker(table(*_BY_KIND[::order]), request_)


def test_all_conditions_that_fail_are_named_in_the_order_they_are_looked_at() -> None:
    match = Match(
        path_regex="/x/[0-9]+",
        hosts=("a.example",),
        methods=("PUT",),
        headers=(_WANTED,),
        query=(("a", "1"),),
    )
    (entry,) = table(_route("x", match)).entries()
    assert entry.all_unmet(head("/y"), b"/y") == (
        Unmet("host", "a.example", None),
        Unmet("path", "/x/[0-9]+", "/y"),
        Unmet("method", "PUT", "GET"),
        Unmet("header x-version", "2", None),
        Unmet("query a", "1", None),
    )
    good = head("/x/1?a=1", b"PUT", {b"host": b"A.Example:1", b"x-version": b"2"})
    assert entry.all_unmet(good, b"/x/1") == ()


@pytest.mark.parametrize(
    ("match", "request_", "expected"),
    [
        pytest.param(
            Match(path="/x", methods=("PUT", "POST")),
            head("/x"),
            Unmet("method", "PUT|POST", "GET"),
            id="method",
        ),
        pytest.param(
            Match(path="/x", headers=(_WANTED,)),
            head("/x", named={b"x-version": b"\xff"}),
            Unmet("header x-version", "2", "ÿ"),
            id="header-other-value",
        ),
        pytest.param(
            Match(path="/x", headers=(_WANTED,)),
            head("/x"),
            Unmet("header x-version", "2", None),
            id="header-missing",
        ),
        pytest.param(
            Match(path="/x", query=(("a", "1"),)),
            head("/x?a=2"),
            Unmet("query a", "1", "2"),
            id="query-other-value",
        ),
        pytest.param(
            Match(path="/x", query=(("a", "1"),)),
            head("/x"),
            Unmet("query a", "1", None),
            id="query-missing",
        ),
        pytest.param(
            Match(path="/x", query=(("a", ""),)),
            head("/x?a"),
            None,
            id="key-without-value-is-empty",
        ),
        pytest.param(
            Match(path="/x", query=(("q r", "a&b"),)),
            head("/x?q+r=a%26b"),
            None,
            id="escaped-key-and-value",
        ),
    ],
)
def test_the_first_condition_that_fails_is_named_with_what_came(
    match: Match, request_: RequestHead, expected: Unmet | None
) -> None:
    (entry,) = table(_route("x", match)).entries()
    assert expected == entry.unmet(request_)


def test_the_names_that_routing_reads_are_known() -> None:
    by_header = _route("x", Match(path="/x", headers=(_WANTED, ("x-color", "blue"))))
    expected = {b"x-version", b"x-color", b"x-customer-id", b"cookie"}
    assert expected == table(by_header, images(5), MONOLITH).header_names
    assert table(images(sticky=(CLIENT_IP,)), MONOLITH).header_names == frozenset()


def test_entries_are_every_match_once_in_order_of_precedence() -> None:
    names = [entry.way.route.name for entry in _HOUSE.entries()]
    matches = [match for way in _HOUSE.ways for match in way.route.matches]
    assert len(names) == len(matches)
    assert names[-1] == "monolith"
    assert names.index("v2-exact") < names.index("v2-items") < names.index("v2-post")
