"""The corpus holds, a short run finds nothing, and what is found would be told."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.fuzz import answers, corpus, requests
from tests.fuzz.corpus import Answered
from tests.fuzz.mutating import mutated
from tests.fuzz.running import Fuzzer, chance, fuzzers
from tests.support.strict.messages import Request

_SHORT_RUNS = 400
_REQUESTS = corpus.requests()


def _ways(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and cut in two everywhere that a line ends."""
    ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n")]
    return [
        [data],
        [bytes((byte,)) for byte in data],
        *([data[:end], data[end:]] for end in ends[:12]),
    ]


@pytest.mark.parametrize("data", _REQUESTS.values(), ids=_REQUESTS)
def test_requests_of_the_corpus_are_understood_alike_however_they_are_cut(data: bytes) -> None:
    kinds = {requests.check(pieces) for pieces in _ways(data)}
    assert len(kinds) == 1


@pytest.mark.parametrize("answered", corpus.answers(), ids=lambda answered: answered.id)
def test_answers_of_the_corpus_are_understood_alike_however_they_are_cut(
    answered: Answered,
) -> None:
    kinds = {
        answers.check(answered.method, pieces, answered.ending)[:2]
        for pieces in _ways(answered.data)
    }
    assert len(kinds) == 1


@pytest.mark.parametrize("side", ["requests", "answers"])
def test_a_short_run_finds_nothing(side: str) -> None:
    """The same inputs every time; `python -m tests.fuzz` takes others."""
    fuzzer = fuzzers(seed=1)[side]
    failures = [failure for _ in range(_SHORT_RUNS) if (failure := fuzzer.step()) is not None]
    assert failures == []
    assert len(fuzzer.kinds) > 50, "hardly anything was tried"


def test_what_fails_is_told_and_shrunk() -> None:
    def check(data: bytes, _: Random) -> tuple[object, ...]:
        assert b"!" not in data
        return (len(data),)

    fuzzer = Fuzzer(check, 1, [b"GET / HTTP/1.1\r\nHost: a!b\r\n\r\n"])
    failure = next(failure for _ in range(100) if (failure := fuzzer.step()) is not None)
    assert fuzzer.shrunk(failure).data == b"!"


def test_a_mutation_is_repeatable_and_not_the_original() -> None:
    corpus_ = list(_REQUESTS.values())
    assert mutated(chance(7), corpus_) == mutated(chance(7), corpus_)
    assert len({mutated(chance(seed), corpus_) for seed in range(200)} - set(corpus_)) > 150


def _lie(change: Callable[[Request], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the strict reader see something else in what was sent."""
    read = requests._read

    def lying(data: bytes) -> object:
        meant = read(data)
        for request in meant.requests:
            change(request)
        return meant

    monkeypatch.setattr(requests, "_read", lying)


LIES: dict[str, Callable[[Request], None]] = {
    "target": lambda request: setattr(request, "target", b"/other"),
    "method": lambda request: setattr(request, "method", b"PUT"),
    "body": lambda request: request.body.extend(b"!"),
    "fields": lambda request: request.fields.clear(),
    "end": lambda request: setattr(request, "is_complete", False),
}


@pytest.mark.parametrize("change", LIES.values(), ids=LIES)
def test_a_disagreement_is_noticed(
    change: Callable[[Request], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _lie(change, monkeypatch)
    with pytest.raises(requests.DisagreementError):
        requests.check([_REQUESTS["fields"]])


def test_an_answer_that_somebody_else_was_meant_to_get_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "_GOOD", answers._GOOD.replace(b"X-Whose", b"Keep-Alive"))
    first = next(each for each in corpus.answers() if each.id == "GET-stay-length")
    with pytest.raises(requests.DisagreementError, match="the next answer"):
        answers.check(first.method, [first.data], first.ending)
