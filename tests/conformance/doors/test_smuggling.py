"""No trick makes two readers find different requests: none is ever smuggled past another."""

from __future__ import annotations

import pytest

from tests.conformance.doors.conftest import OpenStage
from tests.conformance.doors.echoing import Echo, echo
from tests.conformance.doors.inabilities import lost
from tests.conformance.doors.judges import PatientJudge
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.payloads import PAYLOADS
from tests.conformance.doors.servers import ASGI_DOORS, H11, HYPERCORN, Door
from tests.conformance.doors.stage import Customer, Stage
from tests.conformance.doors.tricks import OPENLY, SMUGGLED, Trick, passed, refused, shown
from tests.conformance.doors.tricks_of_framing import TRICKS_OF_FRAMING
from tests.conformance.doors.tricks_of_heads import TRICKS_OF_HEADS, UNNOTICED
from tests.conformance.doors.wire import settle

TRICKS = [*TRICKS_OF_FRAMING, *TRICKS_OF_HEADS]
_NO_TRICK = passed("none", SMUGGLED, OPENLY)
_OLD_VERSIONS = {f"start-{shown(b'GET /open HTTP/%b' % version)}" for version in (b"0.9", b"0.0")}
"""Hypercorn lets them in and then cannot answer them."""
_VICTIM = b"GET /victim HTTP/1.1\r\nHost: shop\r\n\r\n"
_ASKED_BY_VICTIM = (b"GET", b"/victim", b"")
_ROWS = [
    pytest.param(
        trick,
        id=trick.id,
        marks=pytest.mark.xfail(strict=True, reason=UNNOTICED[trick.id])
        if trick.id in UNNOTICED
        else (),
    )
    for trick in TRICKS
]


@pytest.mark.parametrize("trick", _ROWS)
async def test_a_trick_is_refused_or_reaches_the_backend_as_what_it_openly_is(
    stage: Stage, origin: Origin, trick: Trick
) -> None:
    backend = Echo(origin)
    attacker = await stage.ask(trick.sent)
    expected = [200] * len(trick.reaches) + [trick.refused] * bool(trick.refused)
    await _come_to_rest(backend, attacker, answers=len(expected))
    assert tuple(backend.requests) == trick.reaches
    assert [answer.status for answer in attacker.answers] == expected
    if trick.refused:
        await backend.run_until(lambda: attacker.has_ended, attacker)
    await _check_that_nobody_else_is_touched(stage, backend, attacker)


async def _come_to_rest(backend: Echo, attacker: Customer, *, answers: int) -> None:
    def has_all() -> bool:
        got = attacker.answers
        return attacker.has_ended or (len(got) >= answers and got[-1].is_complete)

    await backend.run_until(has_all, attacker)
    await backend.rest(attacker)


async def _check_that_nobody_else_is_touched(
    stage: Stage, backend: Echo, attacker: Customer
) -> None:
    """Somebody else asks, and gets what belongs to its own request, and nothing more."""
    before, attackers = backend.requests, attacker.came
    victim = await stage.ask(_VICTIM)
    await backend.run_until(lambda: victim.is_answered, victim)
    await backend.rest(victim, attacker)
    assert [bytes(answer.body) for answer in victim.answers] == [echo(*_ASKED_BY_VICTIM)]
    assert victim.came.endswith(b"\r\n\r\n" + echo(*_ASKED_BY_VICTIM))
    assert sorted(backend.requests) == sorted([*before, _ASKED_BY_VICTIM])
    assert attacker.came == attackers


@pytest.mark.parametrize("door", ASGI_DOORS, ids=str)
async def test_at_other_doors_no_trick_touches_anybody_else(
    door: Door, open_stage: OpenStage, origin: Origin
) -> None:
    """Their servers mend some requests and read on behind others, but nothing is ever hidden.

    Whatever reaches the backend is well-formed, and has an answer that its sender gets.
    """
    stage = await open_stage(door)
    backend = Echo(origin)
    for trick in [*TRICKS, *(refused(payload.id, payload.sent) for payload in PAYLOADS)]:
        if trick.id not in lost(door) and trick.id not in _OLD_VERSIONS:
            await _check_that_nothing_is_hidden(stage, backend, trick)


_LOST = [
    pytest.param(door, trick, id=f"{door}-{trick.id}")
    for door in ASGI_DOORS
    for trick in TRICKS
    if trick.id in lost(door)
]


@pytest.mark.parametrize(("door", "trick"), _LOST)
async def test_a_trick_that_a_door_is_declared_to_fall_for_it_does_fall_for(
    door: Door, trick: Trick, open_stage: OpenStage, origin: Origin
) -> None:
    """Should it be mended one day, this fails, and the table of inabilities must not say so."""
    stage = await open_stage(door)
    backend = Echo(origin)
    # So that there is a connection to the backend: dialling one would give the server time.
    await _check_that_nothing_is_hidden(stage, backend, _NO_TRICK)
    with pytest.raises(AssertionError):
        await _check_that_nothing_is_hidden(stage, backend, trick)
    # First, so that nothing is asked once more when its connection goes.
    await stage.close()
    origin.forget()


@pytest.mark.parametrize("version", [b"0.9", b"1.2", b"9.9"], ids=bytes.decode)
@pytest.mark.parametrize("door", [H11, HYPERCORN], ids=str)
async def test_no_door_takes_an_unknown_version_for_a_later_one(
    door: Door, version: bytes, open_stage: OpenStage, origin: Origin
) -> None:
    stage = await open_stage(door)
    await stage.ask(b"GET / HTTP/%b\r\nHost: shop\r\n\r\n" % version, PatientJudge())
    await settle()
    assert origin.is_untouched()


async def _check_that_nothing_is_hidden(stage: Stage, backend: Echo, trick: Trick) -> None:
    before = backend.whole()
    attacker = await stage.ask(trick.sent, PatientJudge())
    try:
        await backend.rest(attacker)
        reached = backend.whole() - before
        assert attacker.came.count(b"HTTP/1.1 200") == reached, trick.id
        await _check_that_nobody_else_is_touched(stage, backend, attacker)
    finally:
        attacker.reset()
    await backend.rest()


def test_there_are_enough_tricks_and_each_has_its_name() -> None:
    assert len({trick.id for trick in TRICKS}) == len(TRICKS) >= 100
