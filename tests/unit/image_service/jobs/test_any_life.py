"""Whatever happens to a job, in whatever order: one purchase at most, and the books add up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from image_service.jobs import states
from image_service.jobs.states import Failure, FinishedError, Job, Picture, StaleError, State
from image_service.providers.usage import Outcome

_LEASE_S = 10.0
_KINDS = ("provider-rate-limited", "provider-unavailable", "provider-timeout", "moderation-blocked")
_OUTCOMES: tuple[Outcome, ...] = ("not_bought", "bought", "unknown")


class Life(RuleBasedStateMachine):
    """A job, its provider, workers that die and wake up again, and a clock."""

    @initialize(
        price=st.sampled_from([1000, 0]), deadline=st.none() | st.floats(min_value=1, max_value=90)
    )
    def order(self, price: int, deadline: float | None) -> None:
        """Take an order."""
        self.now = 0.0
        self.job = Job(job_id="job", price=price, reserved=price, deadline_at=deadline)
        self.bought = 0
        self.may_have_been_bought = 0
        # Calls on their way, by fence; their workers may have lost the job meanwhile.
        self.calls: set[int] = set()
        self.fences: set[int] = set()

    def _become(self, job: Job) -> None:
        assert job.version >= self.job.version
        assert not self.job.is_final or job == self.job, "what is final changes no more"
        assert job.progress >= self.job.progress
        self.job = job

    def _say(self, fence: int, say: Callable[[], Job]) -> None:
        """Let a worker say something: it is heard exactly if the job is in its hands."""
        is_running = self.job.state is State.RUNNING and not self.job.is_spooled
        is_held = is_running and self.job.fence == fence
        try:
            job = say()
        except StaleError:
            assert not is_held
        else:
            assert is_held
            self._become(job)

    @rule(seconds=st.sampled_from([0.5, 3.0, _LEASE_S, 40.0]))
    def time_passes(self, seconds: float) -> None:
        """Leases run out and turns come."""
        self.now += seconds

    @precondition(lambda self: not self.job.is_final)
    @rule()
    def claim(self) -> None:
        """A worker claims, and calls the provider if it is told to."""
        with suppress(StaleError):
            until = self.now + _LEASE_S
            self._become(states.claim(self.job, owner="worker", lease_until=until, now=self.now))
            if self.job.state is State.RUNNING:
                assert self.job.fence not in self.fences, "every claim has a fence of its own"
                self.fences.add(self.job.fence)
                self.calls.add(self.job.fence)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), cost=st.integers(min_value=0, max_value=1000))
    def answer(self, data: st.DataObject, cost: int) -> None:
        """A picture comes; its worker may have lost the job meanwhile."""
        fence = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls.discard(fence)
        self.bought += 1
        picture = Picture(sha256="ab" * 32, painted_by="it", cost=min(cost, self.job.price))
        self._say(fence, lambda: states.succeed(self.job, fence, picture, now=self.now))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), cost=st.integers(min_value=0, max_value=1000))
    def answer_what_cannot_be_kept(self, data: st.DataObject, cost: int) -> None:
        """A picture comes, and the store does not take it."""
        fence = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls.discard(fence)
        self.bought += 1
        cost = min(cost, self.job.price)
        self._say(fence, lambda: states.spool(self.job, fence, painted_by="it", cost=cost))

    @precondition(lambda self: self.job.is_spooled)
    @rule()
    def keep_at_last(self) -> None:
        """The store takes it."""
        self._become(states.unspool(self.job, "ab" * 32, now=self.now))
        assert self.job.state is State.SUCCEEDED

    @precondition(lambda self: self.calls)
    @rule(
        data=st.data(),
        kind=st.sampled_from(_KINDS),
        outcome=st.sampled_from(_OUTCOMES),
        draw=st.floats(min_value=0, max_value=0.99),
        retry_after_s=st.none() | st.floats(min_value=0, max_value=200),
    )
    def fail(
        self,
        data: st.DataObject,
        kind: str,
        outcome: Outcome,
        draw: float,
        retry_after_s: float | None,
    ) -> None:
        """A call fails."""
        fence = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls.discard(fence)
        self.may_have_been_bought += outcome != "not_bought"
        failure = Failure(kind=kind, outcome=outcome, retry_after_s=retry_after_s)
        self._say(
            fence,
            lambda: states.fail(self.job, fence, failure, now=self.now, most_attempts=3, draw=draw),
        )

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), outcome=st.sampled_from(_OUTCOMES))
    def fail_in_passing(self, data: st.DataObject, outcome: Outcome) -> None:
        """A call fails for a reason that may pass, and some time goes by."""
        kind = "provider-unavailable"
        self.fail(data=data, kind=kind, outcome=outcome, draw=0.0, retry_after_s=None)
        self.now += 10

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        """A worker breaks a call off; the provider may or may not have sold the picture."""
        fence = data.draw(st.sampled_from(sorted(self.calls)))
        self.calls.discard(fence)
        self.may_have_been_bought += 1
        self._say(fence, lambda: states.interrupt(self.job, fence, now=self.now))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def live_on(self, data: st.DataObject) -> None:
        """A worker extends its lease."""
        fence = data.draw(st.sampled_from(sorted(self.calls)))
        until = self.now + _LEASE_S
        self._say(fence, lambda: states.extend(self.job, fence, lease_until=until))

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule(is_patient=st.booleans())
    def take_over(self, *, is_patient: bool) -> None:
        """A worker is dead, or so slow that it counts as dead. Its call goes on."""
        if not is_patient:
            self.now += 2 * _LEASE_S
        with suppress(StaleError):
            self._become(states.take_over(self.job, now=self.now))

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule()
    def follow_the_dead(self) -> None:
        """Another worker goes on where one was taken for dead."""
        self.take_over(is_patient=False)
        self.claim()

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule()
    def cancel(self) -> None:
        """The customer has changed his mind."""
        with suppress(FinishedError):
            self._become(states.cancel(self.job, now=self.now))

    @rule()
    def expire(self) -> None:
        """Somebody looks at the deadline."""
        self._become(states.expire(self.job, now=self.now))

    @invariant()
    def a_paid_picture_is_bought_once_at_most(self) -> None:
        """However many workers believe that the job is theirs."""
        if self.job.price > 0:
            assert len(self.calls) + self.bought + self.may_have_been_bought <= 1

    @invariant()
    def the_books_add_up(self) -> None:
        """Reserved is the price until the end and then nothing; the cost is never more."""
        job = self.job
        assert job.reserved == (0 if job.is_final or job.is_spooled else job.price)
        assert 0 <= job.cost <= job.price
        if job.is_final and job.price > 0 and self.may_have_been_bought:
            assert job.cost > 0 or job.state is State.SUCCEEDED

    @invariant()
    def a_held_job_has_an_owner_and_a_call(self) -> None:
        """Nobody else has either."""
        job = self.job
        is_running = job.state is State.RUNNING and not job.is_spooled
        assert (job.owner is not None) == is_running == (job.lease_until is not None)
        if is_running:
            assert job.attempt is not None
            assert job.attempt.state == "calling"
            assert job.attempt.number == job.attempts
        assert (job.sha256 is not None) == (job.state is State.SUCCEEDED)
        assert (job.finished_at is not None) == job.is_final

    @invariant()
    def there_is_a_way_on(self) -> None:
        """An unfinished job is claimed or taken over in time, whatever happened to it."""
        job, later = self.job, self.now + 1000
        if job.is_spooled:
            job = states.unspool(job, "ab" * 32, now=later)
        if job.state is State.RUNNING:
            job = states.take_over(replace(job), now=later)
        if not job.is_final:
            job = states.claim(job, owner="next", lease_until=later + 1, now=later)
            assert job.state in {State.RUNNING, State.EXPIRED}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=300, stateful_step_count=20)
