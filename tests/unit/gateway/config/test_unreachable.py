"""A match is called unreachable exactly if no request can choose it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import review
from gateway.config.covering import Covering, literal_beginning
from gateway.errors import ConfigError, Problem

METHODS = ["GET", "PUT", "OTHER"]
NAMES = [frozenset[str](), frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})]
HOSTS = ["a.example", "b.example", "example", "other"]
PATHS = ["/a", "/a/", "/a/b", "/a/b/c", "/ab", "/x"]
KINDS = ["path", "path_regex", "path_prefix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """A match over a small world: six paths, three methods, two headers, two query keys."""

    path: tuple[str, str]
    """Its kind, and what is written."""
    hosts: frozenset[str]
    methods: frozenset[str]
    headers: frozenset[str]
    query: frozenset[str]

    def written(self) -> dict[str, object]:
        """As in routes.yaml."""
        match: dict[str, object] = dict([self.path])
        if self.methods:
            match["methods"] = sorted(self.methods)
        if self.hosts:
            match["hosts"] = sorted(self.hosts)
        return match | {
            "headers": dict.fromkeys(sorted(self.headers), "1"),
            "query": dict.fromkeys(sorted(self.query), "1"),
        }

    def takes_path(self, path: str) -> bool:
        """Read out loud."""
        kind, text = self.path
        if kind == "path":
            return path == text
        if kind == "path_regex":
            return re.fullmatch(text, path) is not None
        return path == text or path.startswith(f"{text}/")

    def best_host(self, host: str) -> tuple[bool, int] | None:
        """The rank of the best of its hosts that a request's host meets; None if none is."""
        if not self.hosts:
            return (True, 0)
        met = [
            ("*" in condition, -len(condition))
            for condition in self.hosts
            if host == condition or (condition[0] == "*" and host.endswith(condition[1:]))
        ]
        return min(met, default=None)


PREFIXES = [("path_prefix", "/a"), ("path_prefix", "/a/b")]
PATTERNS = ["/a.*", "/a/.*", "/a(/.*)?", "/a/b", ".*", "/a|/x.*", "/[a]/b(/.*)?"]
CONDITIONS = st.builds(
    Conditions,
    path=st.sampled_from(
        [*PREFIXES, ("path", "/a/b"), *(("path_regex", text) for text in PATTERNS)]
    ),
    hosts=st.frozensets(st.sampled_from(["a.example", "b.example", "*.example"]), max_size=2),
    methods=st.frozensets(st.sampled_from(METHODS[:2])),
    headers=st.sampled_from(NAMES),
    query=st.sampled_from(NAMES),
)
PLAIN = st.builds(
    Conditions,
    path=st.sampled_from(PREFIXES),
    hosts=st.just(frozenset[str]()),
    methods=st.frozensets(st.sampled_from(METHODS[:2])),
    headers=st.sampled_from(NAMES),
    query=st.sampled_from(NAMES),
)
FEW = CONDITIONS.filter(lambda one: len(one.headers | one.query) < 2)


def taken(matches: list[Conditions]) -> dict[int, set[tuple[str, str]]]:
    """The hosts and methods that some request has which each match takes, by trying them all."""
    found: dict[int, set[tuple[str, str]]] = {number: set() for number in range(len(matches))}
    for path, host, method, headers, query in product(PATHS, HOSTS, METHODS, NAMES, NAMES):
        ranks = [
            (
                best,
                KINDS.index(m.path[0]),
                -len(m.path[1]) * (m.path[0] == "path_prefix"),
                not m.methods,
                -len(m.headers),
                -len(m.query),
                i,
            )
            for i, m in enumerate(matches)
            if (best := m.best_host(host)) is not None
            and m.takes_path(path)
            and (not m.methods or method in m.methods)
            and m.headers <= headers
            and m.query <= query
        ]
        if ranks:
            found[min(ranks)[-1]].add((host, method))
    return found


def said(matches: list[Conditions]) -> tuple[set[str], list[Problem]]:
    """What a file with these matches is told: unreachable ones, and warnings."""
    rest = {"name": "rest", "match": {"path_prefix": "/"}, "backend": "legacy"}
    routes = [
        {"name": f"r{i}", "match": match.written(), "backend": "legacy"}
        for i, match in enumerate(matches)
    ]
    backends = {"legacy": {"url": "http://h"}}
    written = {"version": 1, "backends": backends, "routes": [*routes, rest]}
    try:
        warnings = review(json.dumps(written).encode()).warnings
    except ConfigError as error:
        return {problem.path for problem in error.problems}, []
    return set(), list(warnings)


def without_effect(matches: list[Conditions], warning: Problem) -> set[tuple[str, str]]:
    """The hosts and methods that a match is said not to get; wildcards are left out."""
    number, _, rest = warning.path.removeprefix("routes[").partition("].match")
    match = matches[int(number)]
    hosts, methods = sorted(match.hosts) or HOSTS, sorted(match.methods) or METHODS
    if rest:
        key, _, place = rest[1:-1].partition("[")
        value = sorted(getattr(match, key))[int(place)]
        hosts, methods = ([value], methods) if key == "hosts" else (hosts, [value])
    else:
        method, host = warning.message.partition(" has no effect")[0].split(" to ")
        hosts, methods = [host], [method]
    return {part for part in product(hosts, methods) if "*" not in part[0]}


@given(st.lists(FEW, min_size=1, max_size=4))
@settings(max_examples=60)
def test_unreachable_is_what_no_request_chooses(matches: list[Conditions]) -> None:
    """By the Gateway API's precedence, tried out literally: nothing is called so wrongly."""
    unreachable, warnings = said(matches)
    chosen = taken(matches)
    for path in unreachable:
        if path == f"routes[{len(matches)}].match":
            continue  # the catch-all, behind a pattern of everything
        assert chosen[int(path.removeprefix("routes[").partition("]")[0])] == set()
    for warning in warnings:
        number = int(warning.path.removeprefix("routes[").partition("]")[0])
        assert not without_effect(matches, warning) & chosen[number]


@given(st.lists(PLAIN, min_size=1, max_size=5))
@settings(max_examples=50)
def test_without_patterns_all_that_no_request_chooses_is_called_unreachable(
    matches: list[Conditions],
) -> None:
    chosen = taken(matches)
    expected = {f"routes[{i}].match" for i in range(len(matches)) if not chosen[i]}
    assert said(matches)[0] == expected


@pytest.mark.parametrize(
    ("pattern", "prefix", "takes"),
    [
        ("/images/.*", "/images/x", True),
        ("/images.*", "/images", True),
        ("/images/.*", "/images", False),
        ("/images(/.*)?", "/images", True),
        ("/images(/.*)?", "/images/a/b", True),
        ("/images(/.*)?", "/imagesX", False),
        ("/[a-z]+(/.*)?", "/images/7", True),
        ("/[a-z]+(/.*)?", "/7/images", False),
        (".*", "/", True),
        ("/.*", "/", False),  # the server itself: OPTIONS *
        (r"/a\.*", "/a", False),
        (r"/a\\.*", "/a", False),
        (r"/\Qa.*", "/a", False),
        ("/x|/a.*", "/a", False),
        ("/(x|a).*", "/a", True),
        ("/[|(]x.*", "/a", False),
        ("/a[.*]", "/a", False),
    ],
)
def test_a_pattern_takes_a_whole_prefix_where_that_can_be_told(
    pattern: str, prefix: str, takes: bool
) -> None:
    assert Covering(["/never", pattern]).below(prefix) == ({1} if takes else set())


@pytest.mark.parametrize(
    ("pattern", "beginning"),
    [
        ("/a/[0-9]+", "/a/"),
        ("^/a", "/a"),
        ("/ab*", "/a"),
        ("/ab?c", "/a"),
        ("/ab{0,2}", "/a"),
        ("/a|/b", ""),
        ("(?i)/a", ""),
        (".*", ""),
        (r"/a\.b", "/a"),
    ],
)
def test_how_all_matches_of_a_pattern_begin(pattern: str, beginning: str) -> None:
    assert literal_beginning(pattern) == beginning
