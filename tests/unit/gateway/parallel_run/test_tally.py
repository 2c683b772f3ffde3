"""Folding trials one by one comes to what counting all of them at the end would."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parallel_run import admission, tally_text
from gateway.parallel_run.admission import PLENTY, PLENTY_IN_ALL, halved, is_admitted
from gateway.parallel_run.classes import AGAINST, COUNTED, TrialClass
from gateway.parallel_run.comparison import Comparison, became
from gateway.parallel_run.entry import LONGEST_PLACE, entry_of, safe_place
from gateway.parallel_run.noise import MOST_PLACES
from gateway.parallel_run.reservoir import EXAMPLES, slot
from gateway.parallel_run.result import TrialResult
from gateway.parallel_run.statistics.signs import Signs
from gateway.parallel_run.strata import OTHERS, Stratum
from gateway.parallel_run.tally import ARRIVAL_S, DAY_S, ELSEWHERE, Known, Tally
from tests.support.trials import MATCHED, MISMATCHED, NOW_S, mismatch, result

PLACES = ("json:$.price", "status", "header:location")


def _key(each: TrialResult) -> bytes:
    return each.fingerprint.encode().rjust(16, b"\0")[-16:] if each.fingerprint else b""


@dataclass(slots=True)
class Book:
    """A tally, and what it asks to be remembered."""

    tally: Tally
    known: dict[bytes, Known]

    @classmethod
    def of(cls, results: list[TrialResult]) -> Book:
        """Fold these."""
        book = cls(Tally(), {})
        for each in results:
            book.fold(each)
        return book

    def fold(self, each: TrialResult) -> None:
        """Fold one more."""
        key = _key(each)
        known = self.tally.fold(entry_of(each), key, self.known.get(key), self.tally.distinct)
        if known is not None and key:
            self.known[key] = known


@st.composite
def _results(draw: st.DrawFn) -> TrialResult:
    became = draw(st.sampled_from(list(TrialClass)))
    places = draw(st.lists(st.sampled_from(PLACES), max_size=2)) if became in AGAINST else []
    return result(
        became,
        draw(st.sampled_from(["", "a", "b", "c", "d"])),
        places=places,
        at_s=NOW_S + draw(st.integers(0, 3600)),
        second=draw(st.none() | st.lists(st.sampled_from(PLACES), max_size=2)),
    )


@given(st.lists(_results(), max_size=40))
def test_folded_one_by_one_or_recounted_from_scratch_is_the_same(
    results: list[TrialResult],
) -> None:
    tally = Book.of(results).tally
    compared = [each for each in results if each.became in COUNTED and each.fingerprint]
    times = Counter(each.fingerprint for each in compared)
    at: dict[str, set[str]] = defaultdict(set)
    for each in compared:
        for found in entry_of(each).found:
            at[found.place].add(each.fingerprint)
    evidence = tally.evidence(NOW_S + 3600)
    assert evidence.classes == Counter(each.became for each in results)
    assert evidence.distinct == len(times)
    differing = {each.fingerprint for each in compared if each.became in AGAINST}
    assert evidence.mismatched == len(differing)
    assert evidence.seen_once == sum(n == 1 for n in times.values())
    assert evidence.seen_twice == sum(n == 2 for n in times.values())
    assert evidence.places == Counter({place: len(them) for place, them in at.items()})
    assert evidence.newest_at_s == max((each.at_s for each in compared), default=None)
    assert sum(tally.arrivals.values()) == len(times)


@given(st.lists(_results(), max_size=30))
def test_a_tally_read_back_is_the_one_that_was_written(results: list[TrialResult]) -> None:
    tally = Book.of(results).tally
    again = tally_text.read(tally_text.write(tally))
    assert tally_text.write(again) == tally_text.write(tally)
    assert again.noise.places == tally.noise.places
    assert again.latency.ratio.counts == tally.latency.ratio.counts


@given(st.lists(_results(), max_size=30), st.randoms())
def test_the_order_in_which_trials_end_does_not_matter(
    results: list[TrialResult], source: object
) -> None:
    shuffled = list(results)
    source.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    ours, theirs = (Book.of(each).tally.evidence(NOW_S + 3600) for each in (results, shuffled))
    assert (ours.distinct, ours.mismatched, ours.classes) == (
        theirs.distinct,
        theirs.mismatched,
        theirs.classes,
    )
    assert ours.places == theirs.places


def test_a_request_that_differs_once_differs_for_good() -> None:
    tally = Book.of([result(), result(MISMATCHED, places=["status"]), result(), result()]).tally
    assert (tally.distinct, tally.mismatched) == (1, 1)
    assert tally.evidence(NOW_S).places == {"status": 1}


def test_a_failed_candidate_says_how_it_failed_and_is_not_timed() -> None:
    tally = Book.of([result(TrialClass.CANDIDATE_FAILED)]).tally
    assert list(tally.places) == ["failure:status 200"]
    assert tally.latency.ratio.total == 0


def test_places_beyond_what_there_is_room_for_are_counted_together() -> None:
    book = Book(Tally(), {})
    for number in range(MOST_PLACES + 7):
        book.fold(result(MISMATCHED, str(number), places=[f"json:$.m{number}"]))
    assert len(book.tally.places) == MOST_PLACES + 1
    assert book.tally.places[ELSEWHERE].distinct == 7


def test_the_rate_of_new_requests_is_that_of_the_last_day() -> None:
    old = [result(request=f"old{n}", at_s=NOW_S - 3 * DAY_S) for n in range(1000)]
    new = [result(request=f"new{n}", at_s=NOW_S - ARRIVAL_S) for n in range(100)]
    tally = Book.of([*old, *new]).tally
    assert tally.distinct_per_s(NOW_S) == pytest.approx(100 / DAY_S)
    assert tally.distinct_per_s(NOW_S + 5 * DAY_S) == 0


@pytest.mark.parametrize(
    ("place", "safe"),
    [
        ("json:$.items[*].price", "json:$.items[*].price"),
        ('json:$.by["ana@shop.example"].n', 'json:$.by["*"].n'),
        ('json:$["4bf92f3577b34da6a3ce929d0e0e4736"]', 'json:$["*"]'),
        ("json:$.c019283746.x", "json:$.c*.x"),
        ('json:$.by["Ana Maria"].n', 'json:$.by["*"].n'),
        ('json:$.by["Ana \\"M\\" ]"].n', 'json:$.by["*"].n'),
        ('json:$["\\u001b[2J\u202e<script>"]', 'json:$["*"]'),
        ('json:$["x-size"]["content-type"]', 'json:$["x-size"]["content-type"]'),
        ("html:/html/\u202ep/text()", "html:/html/*p/text()"),
        ("x" * 500, "x" * (LONGEST_PLACE - 1) + "…"),
    ],
)
def test_places_name_no_customer(place: str, safe: str) -> None:
    assert safe_place(place) == safe


def test_words_of_customers_are_bounded_in_strata() -> None:
    long = result(stratum=Stratum("GET", "/" + "x" * 5000, 2))
    assert entry_of(long).stratum == Stratum("GET", OTHERS, 2)
    odd = result(stratum=Stratum("M" * 100, "/", 2))
    assert entry_of(odd).stratum == Stratum("ANY", OTHERS, 2)


def test_all_requests_are_told_apart_as_long_as_there_are_few() -> None:
    assert all(is_admitted(bytes([255]) * 16, n, n) for n in (0, PLENTY - 1))


def test_beyond_plenty_an_even_share_is_told_apart() -> None:
    """The share goes by the fingerprint alone, so that it is a fair sample."""
    prints = [(n * 0x9E3779B97F4A7C15 % 2**64).to_bytes(16, "big") for n in range(4000)]
    for of_stratum, of_epoch, share in (
        (PLENTY, 0, 2),
        (PLENTY + admission._STEP, 0, 4),
        (0, PLENTY_IN_ALL, 2),
    ):
        admitted = sum(is_admitted(each, of_stratum, of_epoch) for each in prints)
        assert admitted == pytest.approx(len(prints) / share, rel=0.1)


def test_what_is_remembered_grows_with_the_logarithm_of_what_comes() -> None:
    """A thousand million different requests are remembered by less than a million of them."""
    came, remembered = 0.0, 0
    while came < 1e9:
        remembered += 1000
        came += 1000 * 2 ** halved(remembered, remembered)
    assert remembered < 1_000_000


def test_requests_that_are_passed_over_are_counted_and_change_no_statistics() -> None:
    tally = Tally(distinct=PLENTY + 30 * admission._STEP)
    before = tally.distinct
    entry = entry_of(result(MISMATCHED, places=["status"]))
    assert tally.fold(entry, bytes([255]) * 16, None, 0) is None
    assert (tally.passed_over, tally.passed_over_against) == (1, 1)
    assert (tally.distinct, tally.mismatched) == (before, 0)
    assert tally.classes[MISMATCHED] == 1


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_slot_of_the_reservoir_is_one_of_its_slots(offered: int, draw: float) -> None:
    at = slot(offered, draw)
    assert at is None or 0 <= at < min(offered, EXAMPLES)


def test_every_difference_is_as_likely_to_be_kept() -> None:
    """Of ten, each ends in one of the three slots in three of ten runs."""
    import random  # noqa: PLC0415 - for this one

    source, kept = random.Random(1), Counter[int]()
    for _ in range(3000):
        slots: dict[int, int] = {}
        for number in range(10):
            at = slot(number + 1, source.random())
            if at is not None:
                slots[at] = number
        kept.update(slots.values())
    assert all(count == pytest.approx(900, rel=0.15) for count in kept.values())


def test_matched_trials_leave_no_place() -> None:
    assert Book.of([result(MATCHED)]).tally.places == {}


def _painted(first: float, second: float, again: float, *, differs: bool = False) -> TrialResult:
    """A trial with pictures that are so far apart."""

    def between(far: float) -> Comparison:
        found = (mismatch("image:size"),) if differs else ()
        return replace(became(found), looks={"tint": far} if far and not differs else None)

    return replace(
        result(MISMATCHED if differs else MATCHED),
        comparison=between(first),
        second_comparison=between(second),
        again_comparison=between(again),
    )


def test_looks_are_folded_and_written_and_read_back() -> None:
    """A picture that is the same twice is no distance away; one of another size says nothing."""
    trials = [_painted(0.3, 0.1, 0.1), _painted(0.2, 0.0, 0.2), _painted(0.1, 0.1, 0, differs=True)]
    tally = Book.of(trials).tally
    assert tally.looked_at == 2
    assert tally.pictures.further == {"tint": Signs(2, 0, 0)}
    assert tally.pictures.spread == {"tint": Signs(1, 0, 1)}
    again = tally_text.read(tally_text.write(tally))
    assert (again.pictures, again.looked_at) == (tally.pictures, 2)


def test_what_a_probe_found_is_held_against_the_second_control_whatever_it_became() -> None:
    """A raced request, where both moved, is no bet that the second control has won."""
    raced = replace(
        result(TrialClass.RACED, second=["json:$.price"]),
        comparison=became((mismatch("json:$.price"),)),
    )
    (known,) = Book.of([raced]).tally.noise.places.values()
    assert known.signs == Signs(0, 0, 1)
