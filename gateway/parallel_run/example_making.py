"""Makes an example of a trial: everything in it is redacted."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.parallel_run.entry import safe_place
from gateway.parallel_run.examples import Difference, Example, Request, Side
from gateway.parallel_run.observation import Asked, Observation
from gateway.parallel_run.plan import Kept
from gateway.parallel_run.redacted_body import redacted_body
from gateway.parallel_run.redaction import Redactor, Token
from gateway.parallel_run.result import TrialResult

_MOST_DIFFERENCES = 50
_MOST_HEADERS = 60


def example_of(result: TrialResult, place: str, kept: Kept, token: Token) -> Example:
    """An example of the difference at `place`.

    Args:
        result: The trial.
        place: As `gateway.parallel_run.entry.Found` has it.
        kept: What is declared to stay as it is.
        token: Value -> what stands for it.
    """
    redactor = Redactor(token, frozenset(kept.plain))
    making = _Making(redactor, keep_pictures=kept.pictures)
    comparison = result.comparison
    return Example(
        run=result.run,
        epoch=result.epoch_key,
        route=result.route,
        stratum=str(result.stratum),
        place=place,
        became=result.became.value,
        at=datetime.fromtimestamp(result.at_s, UTC).isoformat(timespec="milliseconds"),
        trace_id=result.trace_id or result.trial_id,
        request=None if result.asked is None else making.request(result.asked),
        control=None if result.control is None else making.side(result.control),
        candidate=None if result.candidate is None else making.side(result.candidate),
        differences=[
            Difference(
                place=safe_place(each.place),
                kind=each.kind.value,
                control=redactor.shown(each.control, each.place),
                candidate=redactor.shown(each.candidate, each.place),
                times=each.times,
            )
            for each in (comparison.mismatches if comparison else ())[:_MOST_DIFFERENCES]
        ],
    )


class _Making:
    def __init__(self, redactor: Redactor, *, keep_pictures: bool) -> None:
        self._redactor = redactor
        self._keep_pictures = keep_pictures

    def request(self, asked: Asked) -> Request:
        redactor = self._redactor
        return Request(
            method=asked.method.decode("latin-1")[:16],
            target=redactor.target(asked.target)[:2000],
            headers=redactor.headers(asked.headers[:_MOST_HEADERS]),
            body=redacted_body(
                asked.body, asked.headers, redactor, keep_pictures=self._keep_pictures
            ),
        )

    def side(self, observation: Observation) -> Side:
        answer, redactor = observation.answer, self._redactor
        if answer is None:
            return Side(
                backend=observation.backend,
                duration_s=observation.duration_s,
                failure=observation.failure or "unknown",
            )
        return Side(
            backend=observation.backend,
            duration_s=observation.duration_s,
            status=answer.status,
            headers=redactor.headers(answer.headers[:_MOST_HEADERS]),
            body=redacted_body(
                answer.body, answer.headers, redactor, keep_pictures=self._keep_pictures
            ),
        )
