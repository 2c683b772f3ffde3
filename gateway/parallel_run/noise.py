"""Whether a difference is the candidate's, or the old code's own restlessness.

For a share of the trials the control is asked a second time, or another control that runs the same
code. Where two controls differ as well, counting says nothing: a field that differs in every answer
hides any fault. What says something is who differs more often, or further: if the candidate behaves
as the control does, a second control is ahead in half of the cases, at any level of noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.parallel_run.statistics.rate import log_needed
from gateway.parallel_run.statistics.signs import Signs, discoveries

LEAST_PROOF = 2
"""Trials in which the second control differed at a place, before that is called noise: one may be a
request that another customer has raced with. What is called noise wrongly still counts against the
candidate, and is called worse as soon as there is evidence for it."""
MOST_PLACES = 500
"""Of a stratum; further ones count as differences and are not looked at as noise."""


@dataclass(slots=True)
class Restlessness:
    """What second controls have shown of one place."""

    signs: Signs = field(default_factory=Signs)
    """Who differed from the control there."""
    controls: int = 0
    """Trials in which the second control differed."""
    spread: Signs = field(default_factory=Signs)
    """Who differed from itself there: the candidate, asked twice, or the control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noisy:
    """A place where the old code differs from itself, and the candidate no more than that."""

    place: str
    triads: int
    """Trials with a second control in which anybody differed there."""
    candidate: int
    """How often the candidate alone did."""
    control: int
    """How often the second control alone did."""
    both: int


class NoiseBook:
    """What the trials with a second control have shown of one stratum."""

    def __init__(self, places: Mapping[str, Restlessness] | None = None) -> None:
        self.places = dict(places or {})

    def add(
        self,
        candidate: Iterable[str],
        second: Iterable[str],
        again: Iterable[str] | None = None,
    ) -> None:
        """Take note of one trial.

        Args:
            candidate: The places where the candidate differed from the control.
            second: The places where the second control did.
            again: The places where the candidate, asked twice, differed from itself; None if it
                was not.
        """
        theirs, ours = frozenset(candidate), frozenset(second)
        spread = None if again is None else frozenset(again)
        for place in theirs | ours | (spread or frozenset()):
            known = self._known(place)
            if known is None:
                continue
            known.signs = known.signs.add(place in theirs, place in ours)
            known.controls += place in ours
            if spread is not None:
                known.spread = known.spread.add(place in spread, place in ours)

    def _known(self, place: str) -> Restlessness | None:
        known = self.places.get(place)
        if known is None and len(self.places) < MOST_PLACES:
            known = self.places[place] = Restlessness()
        return known

    def worse(self, confidence: float) -> frozenset[str]:
        """Places at which the candidate is no second control, whatever the noise.

        It differs more often than the old code does from itself; or it is more or less restless: a
        clock that stands still differs no more often than one that goes. At most 1 - `confidence`
        of those that are named are named wrongly, over all places and questions.
        """
        questions = {}
        for place, each in self.places.items():
            questions[place, "further"] = each.signs.log_evidence
            questions[place, "restless"] = each.spread.log_evidence
            questions[place, "still"] = each.spread.log_evidence_of_collapse
        return frozenset(place for place, _ in discoveries(questions, confidence))

    def noisy(self, confidence: float) -> dict[str, Noisy]:
        """Places that are noise as far as is known: both differ, and the candidate not more."""
        worse = self.worse(confidence)
        return {
            place: _facts(place, each)
            for place, each in self.places.items()
            if each.controls >= LEAST_PROOF and place not in worse
        }

    def is_noise(self, places: Iterable[str], confidence: float) -> bool:
        """Whether a comparison that found differences at these places found noise alone."""
        known = self.noisy(confidence)
        return all(place in known for place in places)


def _facts(place: str, known: Restlessness) -> Noisy:
    signs = known.signs
    return Noisy(
        place=place,
        triads=signs.candidate + signs.control + signs.ties,
        candidate=signs.candidate,
        control=signs.control,
        both=known.controls - signs.control,
    )


LEAST_TRIADS = 30
"""Pictures that were asked for twice on both sides before a look that is no other is believed: by
then a slight blur, another colour and a prompt that is not read were found in 40 of 40 runs."""


@dataclass(slots=True)
class Exchangeability:
    """Whether what cannot be pinned (generated pictures) comes from the same kind of source.

    For one request there are the control X, a second control X' and the candidate Y, and for the
    spread a second candidate Y'. Of several features each has its own signs; the error that is
    allowed is shared out among them and the two questions.
    """

    further: dict[str, Signs] = field(default_factory=dict)
    """Feature -> whether d(X, Y) or d(X, X') was larger."""
    spread: dict[str, Signs] = field(default_factory=dict)
    """Feature -> whether d(Y, Y') or d(X, X') was larger."""

    def add(
        self,
        candidate: Mapping[str, float],
        second: Mapping[str, float],
        spread: Mapping[str, float] | None = None,
    ) -> None:
        """Take note of one trial.

        Args:
            candidate: Feature -> d(X, Y); a feature that is missing is 0 in all three.
            second: Feature -> d(X, X').
            spread: Feature -> d(Y, Y'); None where no second candidate was asked.
        """
        for feature in candidate.keys() | second.keys() | (spread or {}).keys():
            distance = second.get(feature, 0.0)
            before = self.further.get(feature, Signs())
            self.further[feature] = before.add(candidate.get(feature, 0.0), distance)
            if spread is not None:
                before = self.spread.get(feature, Signs())
                self.spread[feature] = before.add(spread.get(feature, 0.0), distance)

    def merge(self, other: Exchangeability) -> None:
        """Take note of all trials of another stratum."""
        for into, of in ((self.further, other.further), (self.spread, other.spread)):
            for feature, signs in of.items():
                into[feature] = into.get(feature, Signs()).plus(signs)

    @property
    def triads(self) -> int:
        """Trials in which both sides were asked twice."""
        return max((each.cases for each in self.spread.values()), default=0)

    def differences(self, confidence: float) -> tuple[str, ...]:
        """What tells the candidate from the control, in words; wrong at most 1 - `confidence`."""
        further, spread = sorted(self.further.items()), sorted(self.spread.items())
        questions = [
            *((f"{name} is further away", each.log_evidence) for name, each in further),
            *((f"{name} varies more", each.log_evidence) for name, each in spread),
            *((f"{name} varies less", each.log_evidence_of_collapse) for name, each in spread),
        ]
        shared = 1 - (1 - confidence) / max(len(questions), 1)
        return tuple(text for text, evidence in questions if evidence >= log_needed(shared))
