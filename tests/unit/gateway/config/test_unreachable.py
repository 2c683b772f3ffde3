"""A match is called unreachable exactly if no request can choose it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.config import example

METHODS = ["GET", "PUT", "OTHER"]
NAMES = [frozenset[str](), frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """A match over a small world: two paths, two methods, two headers, two query keys."""

    prefix: str
    methods: frozenset[str]
    headers: frozenset[str]
    query: frozenset[str]

    def written(self) -> dict[str, object]:
        """As in routes.yaml."""
        match: dict[str, object] = {"path_prefix": self.prefix}
        if self.methods:
            match["methods"] = sorted(self.methods)
        return match | {
            "headers": dict.fromkeys(sorted(self.headers), "1"),
            "query": dict.fromkeys(sorted(self.query), "1"),
        }


CONDITIONS = st.builds(
    Conditions,
    prefix=st.sampled_from(["/a", "/a/b"]),
    methods=st.frozensets(st.sampled_from(METHODS[:2])),
    headers=st.sampled_from(NAMES),
    query=st.sampled_from(NAMES),
)


def chosen(matches: list[Conditions]) -> set[int]:
    """The matches that some request chooses, by trying every request of the small world."""
    found = set()
    for path, method, headers, query in product(["/a", "/a/b"], METHODS, NAMES, NAMES):
        ranks = [
            (-len(m.prefix), not m.methods, -len(m.headers), -len(m.query), i)
            for i, m in enumerate(matches)
            if path.startswith(m.prefix)
            and (not m.methods or method in m.methods)
            and m.headers <= headers
            and m.query <= query
        ]
        if ranks:
            found.add(min(ranks)[-1])
    return found


@given(st.lists(CONDITIONS, min_size=1, max_size=5))
def test_unreachable_is_what_no_request_chooses(matches: list[Conditions]) -> None:
    """By the Gateway API's precedence, tried out literally."""
    rest = {"name": "rest", "match": {"path_prefix": "/"}, "backend": "legacy"}
    routes = [
        {"name": f"r{i}", "match": match.written(), "backend": "legacy"}
        for i, match in enumerate(matches)
    ]
    backends = {"legacy": {"url": "http://h"}}
    written = {"version": 1, "backends": backends, "routes": [*routes, rest]}
    problems = example.problems_of(json.dumps(written).encode())
    found = {problem.path for problem in problems if problem.message.startswith("unreachable")}
    expected = set(range(len(matches))) - chosen(matches)
    assert found == {f"routes[{i}].match" for i in expected}
    assert len(problems) == len(expected)
