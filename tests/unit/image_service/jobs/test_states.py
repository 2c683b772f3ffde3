"""The life of a job as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from image_service.jobs import states
from image_service.jobs.states import (
    Failure,
    FinishedError,
    Job,
    Picture,
    StaleError,
    State,
)

_PRICE = 200_000
_PICTURE = Picture(sha256="ab" * 32, painted_by="openai/gpt-image-2", cost=150_000)
_NEW = Job(job_id="job", price=_PRICE, reserved=_PRICE)
_FREE = Job(job_id="job")


def _claimed(job: Job = _NEW, now: float = 0.0) -> Job:
    return states.claim(job, owner="worker", lease_until=now + 10, now=now)


def _failed(job: Job, failure: Failure, now: float = 1.0, draw: float = 0.0) -> Job:
    return states.fail(job, job.fence, failure, now=now, most_attempts=3, draw=draw)


def test_a_claimed_job_has_its_call_on_record_before_it_is_made() -> None:
    job = _claimed()
    assert (job.state, job.fence, job.attempts) == (State.RUNNING, 1, 1)
    assert job.attempt is not None
    assert (job.attempt.state, job.attempt.reserved) == ("calling", _PRICE)


def test_a_picture_settles_the_call_and_lets_go_of_what_was_reserved() -> None:
    job = states.succeed(_claimed(), 1, _PICTURE, now=1.0)
    assert (job.state, job.cost, job.reserved, job.sha256) == (
        State.SUCCEEDED,
        150_000,
        0,
        _PICTURE.sha256,
    )
    assert job.attempt is not None
    assert job.attempt.state == "bought"


def test_a_picture_that_cannot_be_kept_yet_is_paid_for_and_in_nobodys_hands() -> None:
    job = states.spool(_claimed(), 1, painted_by="openai/gpt-image-2", cost=150_000)
    assert (job.state, job.is_spooled, job.cost, job.reserved) == (State.RUNNING, True, 150_000, 0)
    refused: tuple[Callable[[], Job], ...] = (
        lambda: states.take_over(job, now=1e9),
        lambda: states.interrupt(job, 1, now=1.0),
        lambda: states.succeed(job, 1, _PICTURE, now=1.0),
        lambda: states.claim(job, owner="another", lease_until=2.0, now=1.0),
    )
    for say in refused:
        with pytest.raises(StaleError):
            say()


def test_a_picture_that_is_kept_at_last_ends_its_job_also_after_a_cancel() -> None:
    job = states.spool(_claimed(), 1, painted_by="openai/gpt-image-2", cost=150_000)
    job = states.unspool(states.cancel(job, now=2.0), _PICTURE.sha256, now=3.0)
    assert (job.state, job.sha256, job.cost) == (State.SUCCEEDED, _PICTURE.sha256, 150_000)
    with pytest.raises(StaleError):
        states.unspool(job, _PICTURE.sha256, now=4.0)


@pytest.mark.parametrize(
    ("failure", "state", "cost"),
    [
        # Nothing was bought, and it passes by itself.
        (Failure(kind="provider-rate-limited", outcome="not_bought"), State.QUEUED, 0),
        (Failure(kind="provider-unavailable", outcome="not_bought"), State.QUEUED, 0),
        # Nothing was bought, and it would come again.
        (Failure(kind="moderation-blocked", outcome="not_bought"), State.FAILED, 0),
        (Failure(kind="provider-quota", outcome="not_bought"), State.FAILED, 0),
        # Something may have been bought: never again, and counted in full.
        (Failure(kind="provider-unavailable", outcome="unknown"), State.FAILED, _PRICE),
        (Failure(kind="provider-timeout", outcome="unknown"), State.FAILED, _PRICE),
        # Something was bought.
        (Failure(kind="provider-bad-answer", outcome="bought"), State.FAILED, _PRICE),
        (Failure(kind="provider-bad-answer", outcome="bought", cost=7), State.FAILED, 7),
        # The provider asks for more patience than a customer has.
        (
            Failure(kind="provider-rate-limited", outcome="not_bought", retry_after_s=600),
            State.FAILED,
            0,
        ),
    ],
)
def test_a_failed_call_is_repeated_only_where_nothing_was_bought_and_waiting_helps(
    failure: Failure, state: State, cost: int
) -> None:
    job = _failed(_claimed(), failure)
    assert (job.state, job.cost) == (state, cost)
    assert job.reserved == (_PRICE if state is State.QUEUED else 0)


def test_waits_grow_and_heed_the_provider() -> None:
    passing = Failure(kind="provider-unavailable", outcome="not_bought")
    job = _failed(_claimed(), passing, now=0.0)
    assert job.available_at == 1.0
    job = _failed(_claimed(job, now=1.0), passing, now=1.0, draw=0.5)
    assert job.available_at == 1.0 + 2.0 * 0.75
    job = _failed(_claimed(job, now=10.0), replace(passing, retry_after_s=30.0), now=10.0)
    # The third call was the last.
    assert (job.state, job.failure, job.retry_after_s) == (
        State.FAILED,
        "provider-unavailable",
        30.0,
    )


def test_there_is_no_second_call_after_the_deadline() -> None:
    job = _claimed(replace(_NEW, deadline_at=2.0))
    job = _failed(job, Failure(kind="provider-unavailable", outcome="not_bought"), now=1.5)
    assert job.state is State.FAILED


def test_a_dead_workers_paid_call_is_not_made_again() -> None:
    job = states.take_over(_claimed(), now=10.0)
    assert (job.state, job.failure, job.cost) == (State.FAILED, states.OUTCOME_UNKNOWN, _PRICE)


def test_a_dead_workers_free_call_is_made_again() -> None:
    job = states.take_over(_claimed(_FREE), now=10.0)
    assert (job.state, job.cost) == (State.QUEUED, 0)
    assert _claimed(job, now=10.0).fence == 2


def test_an_order_that_kills_every_worker_is_given_up() -> None:
    job, deaths = _FREE, 0
    while not job.is_final:
        job = states.take_over(_claimed(job, now=job.available_at), now=job.available_at + 10)
        deaths += 1
    assert (job.state, job.failure, deaths) == (State.FAILED, "internal", 10)


def test_a_living_workers_job_is_not_taken_over() -> None:
    with pytest.raises(StaleError):
        states.take_over(_claimed(), now=9.9)


def test_what_a_worker_says_after_its_job_was_taken_over_is_refused() -> None:
    job = _claimed(states.take_over(_claimed(_FREE), now=10.0), now=10.0)
    with pytest.raises(StaleError):
        states.succeed(job, 1, _PICTURE, now=11.0)
    with pytest.raises(StaleError):
        states.interrupt(job, 1, now=11.0)
    with pytest.raises(StaleError):
        states.extend(job, 1, lease_until=99.0)
    with pytest.raises(StaleError):
        states.report(job, 1, progress=0.5)


def test_a_queued_job_is_canceled_at_once_and_costs_nothing() -> None:
    job = states.cancel(_NEW, now=1.0)
    assert (job.state, job.cost, job.reserved) == (State.CANCELED, 0, 0)


def test_a_running_job_is_canceled_by_its_worker_and_counted_as_bought() -> None:
    asked = states.cancel(_claimed(), now=1.0)
    assert (asked.state, asked.is_cancel_asked) == (State.RUNNING, True)
    assert states.cancel(asked, now=1.5) == asked
    job = states.interrupt(asked, 1, now=2.0)
    assert (job.state, job.cost) == (State.CANCELED, _PRICE)


def test_a_picture_that_comes_in_spite_of_a_cancel_is_kept() -> None:
    asked = states.cancel(_claimed(), now=1.0)
    assert states.succeed(asked, 1, _PICTURE, now=2.0).state is State.SUCCEEDED


def test_a_finished_job_cannot_be_canceled() -> None:
    with pytest.raises(FinishedError):
        states.cancel(states.succeed(_claimed(), 1, _PICTURE, now=1.0), now=2.0)


def test_a_job_past_its_deadline_expires_instead_of_being_begun() -> None:
    late = replace(_NEW, deadline_at=5.0)
    assert states.expire(late, now=4.9) == late
    assert states.expire(late, now=5.0).state is State.EXPIRED
    assert _claimed(late, now=6.0).state is State.EXPIRED
    assert states.interrupt(_claimed(late), 1, now=5.0).state is State.EXPIRED


def test_a_job_whose_turn_has_not_come_is_not_claimed() -> None:
    with pytest.raises(StaleError):
        _claimed(replace(_NEW, available_at=5.0), now=4.0)
