"""Three ways to look for a fault, each given the same answers of three sides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.parallel_run.compare.answers import Sides, compare
from gateway.parallel_run.compare.calls import compare_calls
from gateway.parallel_run.compare.pictures import distances, read_picture
from gateway.parallel_run.noise import Exchangeability, NoiseBook
from gateway.parallel_run.observation import Answer
from gateway.parallel_run.plan import Ignore, Normalise, Pictures, Place, Rules
from gateway.parallel_run.statistics.durations import Pairs
from tests.proof.shop import Side

CONFIDENCE = 0.95
_PAINTED = "painted"


@dataclass(frozen=True, slots=True)
class Triad:
    """One request: what the control did, a second control, the candidate, and that one again."""

    kind: str
    control: Side
    second: Side
    candidate: Side
    again: Side


class Tool(Protocol):
    """A way to look."""

    def look(self, triads: Iterable[Triad]) -> frozenset[str]:
        """Name what is wrong with the candidate; a name stands for one place."""


class Exact:
    """Compares byte by byte, as a script of ten lines does."""

    def look(self, triads: Iterable[Triad]) -> frozenset[str]:
        """Name every part that differs in any answer."""
        found: set[str] = set()
        for triad in triads:
            ours, theirs = triad.control.answer, _seen(triad.candidate)
            if ours.status != theirs.status:
                found.add("status")
            if ours.body != theirs.body:
                found.add("body")
            names = {name for name, _ in (*ours.headers, *theirs.headers)}
            found |= {name.decode() for name in names if _of(ours, name) != _of(theirs, name)}
        return frozenset(found)


class Counting:
    """Diffy's published rule: a field is reported if it differs enough more often than noise.

    With raw the answers in which the candidate differs at a field and noise those in which a second
    control does: raw > noise, |raw - noise| / (raw + noise) > 20 %, |raw - noise| / total > 0.03 %.
    Every field of every answer is given to it, told apart by type of difference, and a second
    control for each request.
    """

    def look(self, triads: Iterable[Triad]) -> frozenset[str]:
        """Name the fields that pass the thresholds."""
        raw: Counter[str] = Counter()
        noise: Counter[str] = Counter()
        total = 0
        for triad in triads:
            total += 1
            raw.update(_fields(triad.control.answer, _seen(triad.candidate)))
            noise.update(_fields(triad.control.answer, triad.second.answer))
        return frozenset(field for field in raw if _passes(raw[field], noise[field], total))


def _passes(raw: int, noise: int, total: int) -> bool:
    apart = abs(raw - noise)
    return raw > noise and apart / (raw + noise) * 100 > 20 and apart / total * 100 > 0.03


def _fields(ours: Answer, theirs: Answer) -> set[str]:
    names = sorted({name.decode() for name, _ in (*ours.headers, *theirs.headers)})
    plain = Rules(headers=tuple(names))
    found = compare(_sides(ours, theirs), plain)
    return {f"{each.place} {each.kind}" for each in found.mismatches}


class Figueira:
    """Ours: declared rules, noise by sequential signs, what cannot be pinned by exchangeability."""

    SECOND_EVERY = 4
    """A second control is asked for one trial of so many."""
    RULES = Rules(
        normalise=(
            Normalise(place=Place(json="$..served_at"), to="timestamp"),
            Normalise(place=Place(json="$..request_id"), to="uuid"),
            Normalise(place=Place(json="$[*].data.at"), to="timestamp"),
        ),
        unordered=(Place(json="$..tags"),),
        ignore=(
            Ignore(
                place=Place(html="/html/body/form/input/@value"),
                because="a new token for each page",
                until="2027-06-30",
            ),
        ),
    )
    """What the team has declared; that the counter is restless nobody has thought of."""

    def look(self, triads: Iterable[Triad]) -> frozenset[str]:
        """Name what counts against the candidate and is no noise."""
        book, pictures, latency = NoiseBook(), Exchangeability(), Pairs.none()
        seen: Counter[frozenset[str]] = Counter()
        for number, triad in enumerate(triads):
            if triad.candidate.is_cut or triad.candidate.answer.status >= 500:
                seen[frozenset({"candidate failed"})] += 1
                continue
            places = self._places(triad, triad.candidate)
            seen[places] += 1
            latency.add(triad.control.duration_s, triad.candidate.duration_s)
            if number % self.SECOND_EVERY == 0:
                second = self._places(triad, triad.second)
                book.add(places, second, self._spread(triad))
                if triad.kind == _PAINTED:
                    _add_pictures(pictures, triad)
        found = {place for places in seen for place in places}
        named = found - book.noisy(CONFIDENCE).keys() | book.worse(CONFIDENCE)
        named |= set(pictures.differences(CONFIDENCE))
        if latency.ratio.bounds(0.5, CONFIDENCE).low > _TOO_SLOW:
            named.add("latency")
        return frozenset(named)

    def _spread(self, triad: Triad) -> frozenset[str]:
        """Where the candidate differs from itself."""
        return self._places(replace(triad, control=triad.candidate), triad.again)

    def _places(self, triad: Triad, other: Side) -> frozenset[str]:
        rules = self.RULES
        if triad.kind == _PAINTED:
            rules = replace(rules, pictures=Pictures(compare="contract"))
        answers = compare(_sides(triad.control.answer, other.answer), rules)
        calls = compare_calls(triad.control.calls, other.calls, rules, {})
        return frozenset(each.place for each in (*answers.mismatches, *calls.mismatches))


_TOO_SLOW = 1.2


def _add_pictures(pictures: Exchangeability, triad: Triad) -> None:
    sides = (triad.control, triad.second, triad.candidate, triad.again)
    x, again, y, other = (read_picture(side.answer.body) for side in sides)
    if x is None or again is None or y is None or other is None:
        return
    pictures.add(distances(x, y), distances(x, again), distances(y, other))


def _sides(ours: Answer, theirs: Answer) -> Sides:
    return Sides(
        control=ours,
        candidate=theirs,
        control_status=ours.status,
        candidate_status=theirs.status,
    )


def _seen(side: Side) -> Answer:
    """What a tool sees that does not look whether the connection ended well."""
    if not side.is_cut:
        return side.answer
    return replace(side.answer, body=side.answer.body[: math.ceil(len(side.answer.body) / 2)])


def _of(answer: Answer, name: bytes) -> list[bytes]:
    return [value for key, value in answer.headers if key == name]


TOOLS: dict[str, Tool] = {
    "exact compare": Exact(),
    "Diffy's rule": Counting(),
    "Figueira": Figueira(),
}
