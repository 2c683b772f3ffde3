"""routes.yaml becomes a snapshot, or a ConfigError and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import load
from gateway.routing.snapshot import BUCKETS, Address, Backend, Match, Share, Timeouts
from tests.unit.gateway.config import example

SHIPPED = Path(__file__).parents[4] / "routes.yaml"

ONE_ROUTE = """\
version: 1
backends:
  legacy: {url: "http://127.0.0.1:8001"}
  image_service: {url: "http://127.0.0.1:8002"}
  spare: {url: "http://127.0.0.1:8003"}
routes:
  - {name: images, match: {path: /images}, split: SPLIT}
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""


def shares(split: str) -> tuple[Share, ...]:
    """The shares that a split compiles to."""
    return load(ONE_ROUTE.replace("SPLIT", split).encode()).routes[0].shares


def buckets(split: str, backend: str) -> range:
    """The buckets of one backend."""
    (share,) = (share for share in shares(split) if share.backend == backend)
    return range(share.start, share.end)


def is_within(inner: range, outer: range) -> bool:
    """Whether `outer` has every bucket of `inner`."""
    return not inner or (outer.start <= inner.start and inner.stop <= outer.stop)


def test_every_key_reaches_the_snapshot() -> None:
    """Names are lower-cased where case has no meaning, ranges ascend, the rest comes last."""
    assert load(example.TEXT, certificates=example.certificates) == example.SNAPSHOT


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_change_nothing_but_the_digest(line_end: str) -> None:
    text = b"\xef\xbb\xbf" + example.TEXT.replace(b"\n", line_end.encode())
    loaded = load(text, certificates=example.certificates)
    assert (loaded.backends, loaded.routes) == (example.SNAPSHOT.backends, example.SNAPSHOT.routes)
    assert loaded.digest != example.SNAPSHOT.digest


def test_what_is_not_written_has_the_compiled_types_defaults() -> None:
    legacy = load(ONE_ROUTE.replace("SPLIT", "{legacy: 100}").encode()).backends[0]
    assert legacy == Backend(name="legacy", addresses=(Address(host="127.0.0.1", port=8001),))
    assert legacy.timeouts == Timeouts()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, Address(host="127.0.0.1", port=8001)),
        ({"LEGACY_URL": ""}, Address(host="127.0.0.1", port=8001)),
        ({"LEGACY_URL": "http://legacy:80"}, Address(host="legacy", port=80)),
    ],
    ids=["unset", "empty", "set"],
)
def test_the_shipped_file_takes_its_addresses_from_the_environment(
    environment: dict[str, str], address: Address
) -> None:
    """As shipped, all new images go to the monolith, and so does everything else."""
    snapshot = load(SHIPPED.read_bytes(), environment)
    legacy, images = snapshot.backends[0], snapshot.routes[0]
    assert legacy.addresses == (address,)
    assert images.shares == (
        Share(backend="image_service", start=0, end=0),
        Share(backend="legacy", start=0, end=BUCKETS),
    )
    assert snapshot.routes[-1].matches == (Match(path_prefix="/"),)


def test_the_shipped_files_flip_is_one_number_on_the_one_line_that_says_so() -> None:
    text = SHIPPED.read_text("utf-8")
    (line,) = (line for line in text.splitlines() if "FLIP" in line)
    flipped = text.replace(line, line.replace(": 0,", ": 5,"))
    (image_service, legacy) = load(flipped.encode()).routes[0].shares
    assert (image_service.end, legacy.start) == (5_000, 5_000)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("{legacy: 100}", [("legacy", 0, 100_000)]),
        ("{legacy: rest}", [("legacy", 0, 100_000)]),
        (
            "{legacy: 95, image_service: 5}",
            [("image_service", 0, 5_000), ("legacy", 5_000, 100_000)],
        ),
        (
            "{image_service: rest, legacy: 1}",
            [("legacy", 0, 1_000), ("image_service", 1_000, 100_000)],
        ),
        ("{legacy: 0.001, spare: rest}", [("legacy", 0, 1), ("spare", 1, 100_000)]),
        (
            "{spare: 10, legacy: rest, image_service: 0}",
            [("image_service", 0, 0), ("spare", 0, 10_000), ("legacy", 10_000, 100_000)],
        ),
        (
            "{legacy: 100, image_service: rest}",
            [("legacy", 0, 100_000), ("image_service", 100_000, 100_000)],
        ),
    ],
)
def test_shares_are_laid_out_by_name_with_the_rest_last(
    split: str, expected: list[tuple[str, int, int]]
) -> None:
    """Whatever the order in the file."""
    assert [(share.backend, share.start, share.end) for share in shares(split)] == expected


@given(weights=st.tuples(st.integers(0, BUCKETS), st.integers(0, BUCKETS)))
def test_a_growing_weight_of_two_moves_customers_one_way_only(weights: tuple[int, int]) -> None:
    """Every bucket that the smaller weight has, the larger has too, in any way of writing it."""
    less, more = (f"{weight // 1_000}.{weight % 1_000:03d}" for weight in sorted(weights))
    other_less, other_more = (
        f"{(BUCKETS - weight) // 1_000}.{(BUCKETS - weight) % 1_000:03d}"
        for weight in sorted(weights)
    )
    for before, after in (
        (f"{{image_service: {less}, legacy: rest}}", f"{{image_service: {more}, legacy: rest}}"),
        (
            f"{{image_service: {less}, legacy: {other_less}}}",
            f"{{image_service: {more}, legacy: {other_more}}}",
        ),
    ):
        assert is_within(buckets(before, "image_service"), buckets(after, "image_service"))
        assert is_within(buckets(after, "legacy"), buckets(before, "legacy"))


@given(split=st.permutations(["image_service", "legacy", "spare"]), cuts=st.data())
def test_shares_always_cover_every_bucket_once(split: list[str], cuts: st.DataObject) -> None:
    first = cuts.draw(st.integers(0, BUCKETS))
    second = cuts.draw(st.integers(0, BUCKETS - first))
    weights = [f"{n // 1_000}.{n % 1_000:03d}" for n in (first, second, BUCKETS - first - second)]
    written = ", ".join(f"{name}: {weight}" for name, weight in zip(split, weights, strict=True))
    laid_out = shares(f"{{{written}}}")
    ends = [0, *(share.end for share in laid_out)]
    assert [share.start for share in laid_out] == ends[:-1]
    assert ends[-1] == BUCKETS


def assert_refused_or_loaded(text: bytes) -> None:
    """Load `text`; a refusal must hold problems that can be shown, in the file's order."""
    problems = example.problems_of(text)
    shown = [problem.describe("routes.yaml") for problem in problems]
    assert all(line.isprintable() and "Input should" not in line for line in shown)
    places = [(problem.line or 0, problem.column or 0) for problem in problems]
    assert places == sorted(places)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_but_a_config_error(text: bytes) -> None:
    assert_refused_or_loaded(text)


@given(st.text(alphabet=" \n\t:-[]{}&*!|>'\"%@#,?~01.ae\u00e9", max_size=80))
def test_no_yaml_like_text_raises_anything_but_a_config_error(text: str) -> None:
    assert_refused_or_loaded(text.encode())


PIECES = [
    *sorted(set(example.TEXT.replace(b"\n", b" \n ").split(b" "))),
    *(b"*a", b"&a", b"!!str", b"<<:", b"---", b"null", b"- ", b"{}", b"[]", b"${X}", b"/../"),
    *(b"\x00", b"\xff", b"\t", b"\xe2\x80\xa8", b"1e3", b"NO", b"012", b"-1", b"9.9999", b"rest"),
]


@given(
    start=st.integers(0, len(example.TEXT)),
    length=st.integers(0, 60),
    piece=st.sampled_from(PIECES),
)
def test_no_damaged_file_raises_anything_but_a_config_error(
    start: int, length: int, piece: bytes
) -> None:
    """A good file with a stretch cut out and something from elsewhere put in."""
    assert_refused_or_loaded(example.TEXT[:start] + piece + example.TEXT[start + length :])


VALUES = st.recursive(
    st.sampled_from(["1", '"x"', "legacy", "rest", "null", "on", "1.5", "/a", "client_ip", "''"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["name", "path", "legacy", "header"]), inner, max_size=3
        ).map(lambda d: "{" + ", ".join(f"{key}: {value}" for key, value in d.items()) + "}")
    ),
    max_leaves=6,
)
KEYS = [
    "version",
    "trust",
    "backends",
    "routes",
    "name",
    "match",
    "backend",
    "split",
    "sticky",
    "owner",
]


@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES), st.dictionaries(st.sampled_from(KEYS), VALUES)
)
def test_no_value_in_any_place_raises_anything_but_a_config_error(
    top: dict[str, str], route: dict[str, str]
) -> None:
    """Any shape under any key, at the top and in a route."""
    lines = [f"{key}: {value}" for key, value in top.items() if key != "routes"]
    fields = ", ".join(f"{key}: {value}" for key, value in route.items())
    assert_refused_or_loaded("\n".join([*lines, f"routes: [{{{fields}}}]"]).encode())
