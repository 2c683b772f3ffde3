"""Generated routes and requests over a small world, so that they meet often."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.routing.snapshot import BUCKETS, IdRange, Match, Owner, Route, Snapshot, Sticky
from gateway.wire.messages import RequestHead
from tests.unit.gateway.routing.shop import (
    CLIENT_IP,
    COOKIE,
    CUSTOMER,
    MONOLITH,
    head,
    shares,
    snapshot,
)

_PATHS = ("/", "/a", "/a/b", "/a/b/c", "/ab", "/images", "/images/7")
_PATTERNS = ("/a.*", "/a/[^/]+", "/(images|a)(/[0-9]+)?", "/A|/a/B", "(?i)/A/B", ".*", "/x")
_HOSTS = ("a.example", "b.a.example", "*.example", "*.a.example", "*.b.a.example")
_VALUES = st.sampled_from(["1", "2"])
_MATCHES = st.builds(
    lambda path, hosts, methods, headers, query: Match(
        **path,
        hosts=tuple(hosts),
        methods=tuple(methods),
        headers=tuple(headers.items()),
        query=tuple(query.items()),
    ),
    st.one_of(
        st.builds(dict, path=st.sampled_from(_PATHS)),
        st.builds(dict, path_prefix=st.sampled_from(_PATHS)),
        st.builds(dict, path_regex=st.sampled_from(_PATTERNS)),
    ),
    st.just(()) | st.lists(st.sampled_from(_HOSTS), unique=True, max_size=2),
    st.lists(st.sampled_from(["GET", "POST"]), unique=True, max_size=2),
    st.dictionaries(st.sampled_from(["x-a", "x-b"]), _VALUES, max_size=2),
    st.dictionaries(st.sampled_from(["p", "q r"]), _VALUES, max_size=2),
)
_OWNERS = st.builds(
    lambda edges, collection: Owner(
        collection=collection,
        ranges=(
            IdRange(backend="old", first=edges[0], last=edges[1]),
            IdRange(backend="new", first=edges[2], last=None),
        ),
        unknown="old",
        lists="new",
    ),
    st.lists(st.integers(0, 12), min_size=3, max_size=3, unique=True).map(sorted),
    st.sampled_from(["/images", "/a", "/"]),
)
_STICKY = st.lists(st.sampled_from([CUSTOMER, COOKIE, CLIENT_IP]), unique=True, max_size=3)


def _route(
    number: int,
    matches: list[Match],
    weight: int | None,
    sticky: list[Sticky],
    owner: Owner | None,
) -> Route:
    name = f"route{number}"
    if weight is None:
        return Route(name=name, matches=tuple(matches), backend=f"b{number}")
    return Route(
        name=name,
        matches=tuple(matches),
        shares=shares(new=weight, old=BUCKETS - weight),
        sticky=tuple(sticky),
        owner=owner,
    )


_ROUTE_PARTS = st.tuples(
    st.lists(_MATCHES, min_size=1, max_size=3),
    st.none() | st.sampled_from([0, 1, BUCKETS // 2, BUCKETS]),
    _STICKY,
    st.none() | _OWNERS,
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Up to five routes, mostly with a catch-all behind them."""
    parts = draw(st.lists(_ROUTE_PARTS, max_size=5))
    routes = [_route(number, *part) for number, part in enumerate(parts)]
    if draw(st.sampled_from([True, True, False])):
        routes.append(MONOLITH)
    return snapshot(*routes)


_SEGMENTS = st.sampled_from(
    [*_PATHS, "/b", "/11", "/", "//", "/..", "/%2e", "%2F", ";x", "\\", "%"]
)
_QUERIES = st.lists(st.sampled_from(["p=1", "p=2", "q+r=1", "q%20r=2", "p", "%70=1"]), max_size=3)
_NAMED = st.fixed_dictionaries(
    {},
    optional={
        b"host": st.sampled_from(
            [b"a.example", b"B.A.Example:8000", b"c.b.a.example.", b"example", b"x.org", b"[::1]:1"]
        ),
        b"x-a": st.sampled_from([b"1", b"2", b"1, 2"]),
        b"x-b": st.sampled_from([b"1", b"2"]),
        b"x-customer-id": st.sampled_from([b"", b"7", b"8"]),
        b"cookie": st.sampled_from([b"customer=7", b"xcustomer=1; customer=9", b"customer="]),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> RequestHead:
    """A request that may well match; some with a path that readers disagree about."""
    path = "".join(draw(st.lists(_SEGMENTS, min_size=1, max_size=3)))
    target = (path if path.startswith("/") else "/" + path).replace("//", "/", 1)
    query = "&".join(draw(_QUERIES))
    return head(
        f"{target}?{query}" if query else target,
        draw(st.sampled_from([b"GET", b"POST", b"DELETE"])),
        draw(_NAMED),
        draw(st.sampled_from(["", "203.0.113.9"])),
    )


draws = st.floats(0, 1, exclude_max=True)
