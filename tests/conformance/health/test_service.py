"""A backend that is out of service: what goes elsewhere, what stays, and the way back."""

from __future__ import annotations

import time

import pytest

from gateway.proxy.backend_state import BackendState
from gateway.resilience.service import Service
from gateway.routing.protection import Breaker, Health
from tests.conformance.doors.conftest import NewOrigin
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Customer, Stage, at_port
from tests.conformance.doors.wire import settle, until
from tests.conformance.health.conftest import SOFT_503, OpenShop

CREATE = b"POST /images HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"
OWNED = b"GET /images/2000 HTTP/1.1\r\nHost: shop\r\n\r\n"
LIST = b"GET /images HTTP/1.1\r\nHost: shop\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
OOPS = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
BUSY = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"busy": "x"}'
)
BREAKER = Breaker(failures=0.5, window_s=10.0, min_requests=3, open_s=0.05)


def _state(stage: Stage, name: str = "candidate") -> BackendState:
    return stage.gateway._states[name]


async def _create(origin: Origin | Backend, answer: bytes = CREATED) -> Backend:
    """Take a creation, on a connection of its own or on this one, and answer it."""
    backend = await origin.accept() if isinstance(origin, Origin) else origin
    await backend.head()
    await backend.body()
    await backend.send(answer)
    return backend


async def _fail(stage: Stage, times: int = 3) -> None:
    """Have creations fail for want of a connection."""
    for _ in range(times):
        customer = await stage.ask(CREATE)
        assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")


async def _is_created(customer: Customer) -> bool:
    return await customer.answer() == CREATED


@pytest.fixture
async def plain(open_shop: OpenShop) -> Stage:
    """Sides for which nothing is declared."""
    return await open_shop(fallback=None)


async def test_new_work_goes_elsewhere_once_a_side_cannot_be_reached(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    """With nothing declared at all; creations are not repeated, they go to one side only."""
    candidate.close()
    await _fail(plain)
    customer = await plain.ask(CREATE)
    await _create(legacy)
    assert await _is_created(customer)
    *_, line = plain.lines(4)
    assert (line["backend"], line["reason"]) == ("legacy", "moved")
    assert (line["instead_of"], line["because"]) == ("candidate", "ejected")
    counters = plain.gateway.counters()
    assert counters.service == {"candidate": {"out:ejected": 1}, "legacy": {"in": 1}}
    assert [lane.moves for lane in counters.lanes if lane.moves] == [{"ejected": 1}]


async def test_what_is_known_to_belong_there_still_goes_there(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    candidate.close()
    await _fail(plain)
    for request in (OWNED, LIST, b"GET /pages HTTP/1.1\r\nHost: shop\r\n\r\n"):
        customer = await plain.ask(request)
        assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")
    assert legacy.is_untouched()


async def test_a_customer_who_moves_stays_where_all_of_them_go(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    """The bucket is that of before."""
    candidate.close()
    await _fail(plain)
    sticky = CREATE.replace(b"\r\n", b"\r\nX-Customer-Id: 7\r\n", 1)
    customer = await plain.ask(sticky)
    backend = await _create(legacy)
    assert await _is_created(customer)
    await customer.send(sticky)
    await _create(backend)
    assert await _is_created(customer)
    *_, one, other = plain.lines(5)
    assert one["bucket"] == other["bucket"] > 0
    assert {one["reason"], other["reason"]} == {"moved"}


async def test_the_last_one_stays(plain: Stage, candidate: Origin, legacy: Origin) -> None:
    """With both sides down, each request goes where it was meant to go."""
    candidate.close()
    legacy.close()
    await _fail(plain, 6)
    assert plain.gateway.counters().service == {
        "candidate": {"out:ejected": 1},
        "legacy": {"out:ejected": 1},
    }
    await _fail(plain)
    *_, line = plain.lines(9)
    assert (line["backend"], line["reason"]) == ("candidate", "draw")


async def test_the_way_back_leads_over_one_request(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    await _fail_by_resets(plain, candidate)
    assert _state(plain).service is Service.OUT
    plain.pass_time(1.5)
    await until(lambda: _state(plain).service is Service.TRIAL)
    trial = await plain.ask(CREATE)
    on_trial = await candidate.accept()
    await on_trial.body()
    meanwhile = await plain.ask(CREATE)
    await _create(legacy)
    assert await _is_created(meanwhile)
    await on_trial.send(CREATED)
    assert await _is_created(trial)
    assert plain.gateway.counters().service["candidate"] == {"in": 1}
    customer = await plain.ask(CREATE)
    await _create(on_trial)
    assert await _is_created(customer)


async def _fail_by_resets(stage: Stage, origin: Origin) -> None:
    for _ in range(3):
        customer = await stage.ask(CREATE)
        backend = await origin.accept()
        await backend.body()
        backend.reset()
        assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")


async def test_a_trial_that_fails_puts_it_out_again(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    await _fail_by_resets(plain, candidate)
    plain.pass_time(1.5)
    await until(lambda: _state(plain).service is Service.TRIAL)
    trial = await plain.ask(CREATE)
    backend = await candidate.accept()
    await backend.body()
    backend.close()
    assert (await trial.answer()).startswith(b"HTTP/1.1 502 ")
    await until(lambda: _state(plain).service is Service.OUT)
    customer = await plain.ask(CREATE)
    await _create(legacy)
    assert await _is_created(customer)


async def test_a_customer_who_leaves_during_a_trial_makes_room_for_another(
    plain: Stage, candidate: Origin
) -> None:
    await _fail_by_resets(plain, candidate)
    plain.pass_time(1.5)
    await until(lambda: _state(plain).service is Service.TRIAL)
    trial = await plain.ask(CREATE)
    await (await candidate.accept()).body()
    assert _state(plain).is_trial_running
    trial.reset()
    await until(lambda: not _state(plain).is_trial_running)
    assert _state(plain).service is Service.TRIAL


async def test_a_side_that_hangs_is_out_after_three_in_a_row(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    waiting = [await plain.ask(CREATE) for _ in range(3)]
    for _ in waiting:
        await (await candidate.accept()).body()
    await settle()
    plain.pass_time(59.9)
    plain.pass_time(0.2)
    for customer in waiting:
        assert (await customer.answer()).startswith(b"HTTP/1.1 504 ")
    customer = await plain.ask(CREATE)
    await _create(legacy)
    assert await _is_created(customer)


@pytest.mark.parametrize("answer", [OOPS, BUSY], ids=["500", "soft"])
async def test_a_breaker_opens_on_failures_and_closes_after_a_good_trial(
    open_shop: OpenShop, candidate: Origin, legacy: Origin, answer: bytes
) -> None:
    stage = await open_shop(fallback=None, breaker=BREAKER, soft_errors=(SOFT_503,))
    customer = await stage.ask(CREATE)
    backend = await candidate.accept()
    for _ in range(3):
        await _create(backend, answer)
        assert await customer.answer() == answer
        await customer.send(CREATE)
    moved = await _create(legacy)
    assert await _is_created(customer)
    assert stage.lines(4)[-1]["because"] == "breaker"
    assert stage.gateway.counters().breaker_opened == {"candidate": 1, "legacy": 0}
    await until(lambda: _is_on_trial(stage))
    await customer.send(CREATE)
    await _create(backend)
    assert await _is_created(customer)
    assert _state(stage).service is Service.IN
    assert not await moved.has_bytes()


def _is_on_trial(stage: Stage) -> bool:
    stage.gateway.sweep(time.monotonic())
    return _state(stage).service is Service.TRIAL


async def test_an_open_breaker_takes_nothing_from_those_with_nowhere_to_go(
    open_shop: OpenShop, candidate: Origin
) -> None:
    stage = await open_shop(fallback=None, breaker=BREAKER)
    page = b"GET /pages HTTP/1.1\r\nHost: shop\r\n\r\n"
    customer = await stage.ask(page)
    backend = await candidate.accept()
    for _ in range(6):
        await backend.serve(OOPS)
        assert await customer.answer() == OOPS
        await customer.send(page)
    await backend.serve(CREATED)
    assert await _is_created(customer)


PAGE = b"GET /pages HTTP/1.1\r\nHost: shop\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def _fall_back(open_shop: OpenShop, candidate: Origin) -> Stage:
    """A candidate with a fallback, whose probes have failed."""
    stage = await open_shop(health=Health(path="/readyz"))
    stage.gateway.note_probes({"candidate": {f"127.0.0.1:{candidate.port}": True}})
    return stage


async def test_what_has_a_fallback_begins_there(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    """Nobody waits a minute for a backend that is known to hang."""
    stage = await _fall_back(open_shop, candidate)
    customer = await stage.ask(PAGE)
    await (await legacy.accept()).serve(CREATED)
    assert await _is_created(customer)
    assert candidate.is_untouched()
    line = stage.line()
    assert (line["backend"], line["reason"]) == ("legacy", "fallback")
    assert (line["instead_of"], line["because"]) == ("candidate", "probes")


async def test_what_the_fallback_does_not_have_is_asked_of_the_backend_itself(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await _fall_back(open_shop, candidate)
    customer = await stage.ask(PAGE)
    await (await legacy.accept()).serve(MISSING)
    await (await candidate.accept()).serve(CREATED)
    assert await _is_created(customer)
    line = stage.line()
    assert (line["backend"], line["reason"]) == ("candidate", "backend")
    assert (line["instead_of"], line["because"]) == ("legacy", "status:404")


async def test_nothing_seems_gone_because_its_backend_is_out_of_service(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    """The fallback does not have it, and who might have it is down: that is no 404."""
    stage = await _fall_back(open_shop, candidate)
    candidate.close()
    customer = await stage.ask(PAGE)
    await (await legacy.accept()).serve(MISSING)
    assert (await customer.answer()).startswith(b"HTTP/1.1 502 ")


async def test_what_both_do_not_have_is_missing(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await _fall_back(open_shop, candidate)
    customer = await stage.ask(PAGE)
    await (await legacy.accept()).serve(MISSING)
    await (await candidate.accept()).serve(MISSING)
    assert await customer.answer() == MISSING


async def test_what_may_change_something_has_no_fallback_to_begin_at(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await _fall_back(open_shop, candidate)
    customer = await stage.ask(CREATE.replace(b"/images", b"/pages"))
    await _create(candidate)
    assert await _is_created(customer)
    assert legacy.is_untouched()


async def test_a_client_error_is_no_failure(open_shop: OpenShop, candidate: Origin) -> None:
    stage = await open_shop(fallback=None, breaker=BREAKER)
    customer = await stage.ask(CREATE)
    backend = await candidate.accept()
    refused = b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 0\r\n\r\n"
    for _ in range(6):
        await _create(backend, refused)
        assert await customer.answer() == refused
        await customer.send(CREATE)
    assert _state(stage).service is Service.IN


async def test_what_probes_say_counts_until_they_say_otherwise(
    open_shop: OpenShop, candidate: Origin, legacy: Origin
) -> None:
    stage = await open_shop(fallback=None, health=Health(path="/readyz"))
    address = f"127.0.0.1:{candidate.port}"
    stage.gateway.note_probes({"candidate": {address: True}})
    customer = await stage.ask(CREATE)
    await _create(legacy)
    assert await _is_created(customer)
    assert stage.line()["because"] == "probes"
    stage.gateway.note_probes({"candidate": {address: False}})
    await customer.send(CREATE)
    await _create(candidate)
    assert await _is_created(customer)


async def test_an_address_that_is_ill_is_avoided_while_another_is_well(
    open_shop: OpenShop, candidate: Origin, new_origin: NewOrigin
) -> None:
    well = new_origin()
    stage = await open_shop(
        addresses=at_port(candidate.port) + at_port(well.port), health=Health(path="/readyz")
    )
    stage.gateway.note_probes({"candidate": {f"127.0.0.1:{candidate.port}": True}})
    backend: Backend | None = None
    for _ in range(10):
        customer = await stage.ask(CREATE)
        backend = await _create(backend or well)
        assert await _is_created(customer)
    assert candidate.is_untouched()
    assert _state(stage).service is Service.IN


async def test_a_revision_that_changes_nothing_about_it_keeps_what_is_known(
    plain: Stage, candidate: Origin, legacy: Origin
) -> None:
    """A flip at three in the morning does not send customers back to a dead side."""
    candidate.close()
    await _fail(plain)
    plain.gateway.install(plain._snapshot, 2)
    customer = await plain.ask(CREATE)
    await _create(legacy)
    assert await _is_created(customer)
