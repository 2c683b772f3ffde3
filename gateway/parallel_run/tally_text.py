"""A tally as text that the database keeps, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.noise import Exchangeability, NoiseBook, Restlessness
from gateway.parallel_run.statistics.durations import Durations, Pairs
from gateway.parallel_run.statistics.signs import Signs
from gateway.parallel_run.tally import AtPlace, Tally


class _Written(msgspec.Struct, omit_defaults=True):
    """What has no column of its own. A release may add fields; none changes its meaning."""

    classes: dict[str, int] = {}
    control_s: dict[int, int] = {}
    """Durations by their step."""
    candidate_s: dict[int, int] = {}
    ratio: dict[int, int] = {}
    places: dict[str, AtPlace] = {}
    noise: dict[str, list[int]] = {}
    """Signs, second controls, signs of spread: seven numbers a place."""
    further: dict[str, list[int]] = {}
    """Of pictures that are judged by many, by feature: three numbers."""
    spread: dict[str, list[int]] = {}
    looked_at: int = 0
    second_controls: int = 0
    rules: dict[str, int] = {}
    faults: dict[str, int] = {}
    arrivals: dict[int, int] = {}


_DECODER = msgspec.json.Decoder(_Written)
_ENCODER = msgspec.json.Encoder()


def write(tally: Tally) -> str:
    """All but the columns: distinct, mismatched, seen_*, passed_over*, *_at_s."""
    written = _Written(
        classes={one.value: n for one, n in tally.classes.items() if n},
        control_s=tally.latency.control.counts,
        candidate_s=tally.latency.candidate.counts,
        ratio=tally.latency.ratio.counts,
        places=tally.places,
        noise={place: _numbers(each) for place, each in tally.noise.places.items()},
        further=_signs(tally.pictures.further),
        spread=_signs(tally.pictures.spread),
        looked_at=tally.looked_at,
        second_controls=tally.second_controls,
        rules=tally.rules,
        faults=tally.faults,
        arrivals=tally.arrivals,
    )
    return _ENCODER.encode(written).decode()


def read(text: str) -> Tally:
    """What `write` wrote; the columns are still missing.

    Raises:
        ValueError: It is something else.
    """
    written = _DECODER.decode(text)
    return Tally(
        classes=Counter({TrialClass(name): n for name, n in written.classes.items()}),
        latency=Pairs(
            Durations(written.control_s), Durations(written.candidate_s), Durations(written.ratio)
        ),
        places=written.places,
        noise=NoiseBook({place: _restless(each) for place, each in written.noise.items()}),
        pictures=Exchangeability(
            {feature: Signs(*each) for feature, each in written.further.items()},
            {feature: Signs(*each) for feature, each in written.spread.items()},
        ),
        looked_at=written.looked_at,
        second_controls=written.second_controls,
        rules=Counter(written.rules),
        faults=Counter(written.faults),
        arrivals=Counter(written.arrivals),
    )


def _signs(by_feature: Mapping[str, Signs]) -> dict[str, list[int]]:
    return {
        feature: [each.candidate, each.control, each.ties] for feature, each in by_feature.items()
    }


def _numbers(each: Restlessness) -> list[int]:
    signs, spread = each.signs, each.spread
    return [
        *(signs.candidate, signs.control, signs.ties, each.controls),
        *(spread.candidate, spread.control, spread.ties),
    ]


def _restless(numbers: list[int]) -> Restlessness:
    candidate, control, ties, controls, *spread = numbers
    return Restlessness(
        signs=Signs(candidate, control, ties), controls=controls, spread=Signs(*spread)
    )
