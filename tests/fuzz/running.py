"""Runs one mutation after the other; keeps those that show something new; shrinks what fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.fuzz import answers, corpus, requests
from tests.fuzz.answers import Ending
from tests.fuzz.mutating import cut, mutated

_MAX_KEPT = 4000
_METHODS = (b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS")

Check = Callable[[bytes, Random], tuple[object, ...]]
"""Runs an input; the chance decides how it is cut, and the like."""


def check_requests(data: bytes, chance: Random) -> tuple[object, ...]:
    """Send it as a customer."""
    return requests.check(cut(chance, data))


def check_answers(data: bytes, chance: Random) -> tuple[object, ...]:
    """Answer with it as a backend."""
    return answers.check(chance.choice(_METHODS), cut(chance, data), chance.choice(list(Ending)))


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that something is wrong with."""

    data: bytes
    seed: int
    """Of the chance that decided how it was cut."""
    error: Exception


@dataclass(slots=True)
class Fuzzer:
    """One side's inputs, and what has been seen of them."""

    check: Check
    seed: int
    kept: list[bytes]
    kinds: set[tuple[object, ...]] = field(default_factory=set)
    runs: int = 0

    def step(self) -> Failure | None:
        """Run one more input."""
        self.runs += 1
        seed = self.seed * 1_000_003 + self.runs
        data = mutated(chance(seed), self.kept)
        try:
            kind = self.check(data, chance(seed))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            return Failure(data, seed, error)
        if kind not in self.kinds:
            self.kinds.add(kind)
            if len(self.kept) < _MAX_KEPT:
                self.kept.append(data)
        return None

    def shrunk(self, failure: Failure) -> Failure:
        """The smallest input found that fails in the same way."""
        size = len(failure.data) // 2
        while size:
            start = 0
            while start < len(failure.data):
                smaller = self._retried(failure, start, size)
                if smaller is None:
                    start += size
                else:
                    failure = smaller
            size //= 2
        return failure

    def _retried(self, failure: Failure, start: int, size: int) -> Failure | None:
        data = failure.data[:start] + failure.data[start + size :]
        try:
            self.check(data, chance(failure.seed))
        except type(failure.error) as error:
            return Failure(data, failure.seed, error)
        except Exception:  # noqa: BLE001 - another failure is not this one
            return None
        return None


def chance(seed: int) -> Random:
    """The same chance for the same seed."""
    return Random(seed)


def fuzzers(seed: int) -> dict[str, Fuzzer]:
    """One for each side, starting from the corpus."""
    return {
        "requests": Fuzzer(check_requests, seed, list(corpus.requests().values())),
        "answers": Fuzzer(check_answers, seed, [each.data for each in corpus.answers()]),
    }
