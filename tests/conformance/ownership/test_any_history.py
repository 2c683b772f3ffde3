"""Any history of flips, deaths, lost answers and writes on both sides, through a real gateway.

The model knows what customers were told and nothing else. It is never contradicted: nothing that
was acknowledged is missed, nothing is changed on two sides, no list is half a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.conformance.ownership.shelf import Fate, Id
from tests.conformance.ownership.world import NUMBERS, PREFIXES, Scheme, World
from tests.support.http11 import Answer

_UNAVAILABLE = {502, 503, 504}
_SIDES = st.sampled_from(["legacy", "image_service"])
_PERCENTS = st.integers(0, 100_000).map(lambda n: f"{n // 1000}.{n % 1000:03d}") | st.sampled_from(
    ["0", "100", "50"]
)
_LISTS = st.sampled_from(
    ["merge", "{merge: $.id, order: descending}", "{merge: $.id, order: as_listed}", "legacy"]
)
_SPELLINGS = st.sampled_from(["{}", "0{}", "00{}", "+{}", "%2B{}", "{}.0", "{}.json", "%20{}"])
_FATES = st.sampled_from([Fate.WELL] * 4 + [Fate.LOST_AFTER, Fate.LOST_BEFORE])
_NUMBERS = st.integers(0, 1_000)
_CUSTOMERS = st.integers(0, 30)
_PINS = st.none() | _SIDES
Value = str | None
Result = TypeVar("Result")


class AnyHistory(RuleBasedStateMachine):
    """One history."""

    scheme: ClassVar[Scheme]

    @initialize()
    def begin(self) -> None:
        """Start with nothing, all new work going to the monolith."""
        self.loop = asyncio.new_event_loop()
        self.world = self._run(World.open(self.scheme))
        self.told: dict[Id, set[Value]] = {}
        """Id of what was acknowledged -> the values that it may have; None among them if a
        deletion of it was sent."""
        self.values = 0

    def teardown(self) -> None:
        """End all of it."""
        if hasattr(self, "world"):
            self._run(self.world.close())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    # Writes

    @rule(customer=_CUSTOMERS, pin=_PINS, fate=_FATES, side=_SIDES)
    def create(self, customer: int, pin: str | None, fate: Fate, side: str) -> None:
        """A creation; it may be lost on the way there or back if it goes to `side`."""
        self._meet(side, fate)
        answer = self._ask("POST", "/images", customer=customer, pin=pin, body=self._value())
        if answer is not None and answer.status == 201:
            id_ = answer.json()["id"]
            assert self.scheme.owner(id_) == pin or pin is None
            assert id_ not in self.told
            self.told[id_] = {self._last_value()}
        else:
            assert answer is not None
            assert answer.status in _UNAVAILABLE
            was_lost = fate is not Fate.WELL and pin in {side, None}
            assert was_lost or self._is_down(pin)
        self._meet(side, Fate.WELL)

    @rule(customers=st.lists(_CUSTOMERS, min_size=2, max_size=8), percent=_PERCENTS)
    def create_while_it_flips(self, customers: list[int], percent: str) -> None:
        """Both sides write at once, and the weight changes under them."""
        values = [self._value() for _ in customers]
        world = self.world

        async def create() -> list[Answer | None]:
            asked = [
                asyncio.ensure_future(world.ask("POST", "/images", customer=customer, body=value))  # noqa: TID251
                for customer, value in zip(customers, values, strict=True)
            ]
            await asyncio.sleep(0)
            world.flip(percent=percent)
            return list(await asyncio.gather(*asked))

        for value, answer in zip(values, self._run(create()), strict=True):
            assert answer is not None
            if answer.status == 201:
                self.told[answer.json()["id"]] = {value}
            else:
                assert answer.status in _UNAVAILABLE
                assert self._is_down(None)

    @rule(customer=_CUSTOMERS, side=_SIDES)
    def the_gateway_dies_before_a_creation_is_acknowledged(self, customer: int, side: str) -> None:
        """It may have happened; nobody was told so."""
        shelf, world = self.world.shelves[side], self.world
        if not shelf.is_up:
            return
        made = len(shelf.things)

        async def create() -> Answer | None:
            shelf.fate = Fate.HELD
            asked = asyncio.ensure_future(  # noqa: TID251
                world.ask("POST", "/images", customer=customer, pin=side, body=self._value())
            )
            while len(shelf.things) == made:  # noqa: ASYNC110 - the shelf tells nobody
                await asyncio.sleep(0)
            await world.kill_gateway()
            answer = await asked
            await world.start_gateway()
            return answer

        assert self._run(create()) is None

    @precondition(lambda self: self.told)
    @rule(number=_NUMBERS, spelling=_SPELLINGS, pin=_PINS, fate=_FATES)
    def change(self, number: int, spelling: str, pin: str | None, fate: Fate) -> None:
        """A change of something that was acknowledged, however its id is spelt."""
        id_ = self._pick(number)
        self._meet(self.scheme.owner(id_), fate)
        target, value = self._target(id_, spelling), self._value()
        answer = self._ask("PUT", target, pin=pin, body=value)
        if self._settle(id_, spelling, fate, answer):
            self.told[id_] = {value}
        elif fate is not Fate.WELL:
            self.told[id_].add(value)

    @precondition(lambda self: self.told)
    @rule(number=_NUMBERS, spelling=_SPELLINGS, pin=_PINS, fate=_FATES)
    def delete(self, number: int, spelling: str, pin: str | None, fate: Fate) -> None:
        """A deletion, alike."""
        id_ = self._pick(number)
        self._meet(self.scheme.owner(id_), fate)
        answer = self._ask("DELETE", self._target(id_, spelling), pin=pin)
        if self._settle(id_, spelling, fate, answer):
            del self.told[id_]
        elif fate is not Fate.WELL:
            self.told[id_].add(None)

    # Reads

    @precondition(lambda self: self.told)
    @rule(
        number=_NUMBERS,
        spelling=_SPELLINGS,
        pin=_PINS,
        below=st.sampled_from(["", "/file"]),
        method=st.sampled_from(["GET", "HEAD"]),
    )
    def read(self, number: int, spelling: str, pin: str | None, below: str, method: str) -> None:
        """What was acknowledged is there, with a value that it may have."""
        id_ = self._pick(number)
        answer = self._ask(method, self._target(id_, spelling) + below, pin=pin)
        is_found = self._settle(id_, spelling, Fate.WELL, answer)
        if is_found and answer is not None and method == "GET":
            assert answer.json()["value"] in self.told[id_]
            self.told[id_] = {answer.json()["value"]}

    @rule(holder=_SIDES)
    def look_for_something_of_before(self, holder: str) -> None:
        """An id that tells nothing: found wherever it is, if a second look is declared.

        Where it cannot be told whether it is there, nobody says that it is not.
        """
        world = self.world
        answer = self._ask("GET", f"/images/of-{holder}")
        assert answer is not None
        asked = ["legacy", "image_service"] if world.looks_again else [world.unknown]
        is_up = {name: shelf.is_up for name, shelf in world.shelves.items()}
        if not is_up[world.unknown] or (holder in asked and not is_up[holder]):
            assert answer.status in _UNAVAILABLE
        elif holder in asked:
            assert answer.json()["value"] == f"heirloom of {holder}"
        else:
            assert answer.status == 404 or b'"error"' in answer.body

    @rule()
    def list_all(self) -> None:
        """The whole list of what the sides hold, each once and in order; or no list."""
        answer = self._ask("GET", "/images")
        assert answer is not None
        is_merged = "merge" in self.world.lists
        sides = list(self.world.shelves.values())
        asked = sides if is_merged else sides[:1]
        if not all(shelf.is_up for shelf in asked):
            assert answer.status in _UNAVAILABLE
            return
        assert answer.status == 200
        listed = [record["id"] for record in answer.json()]
        held = [id_ for shelf in asked for id_ in shelf.things]
        assert sorted(map(str, listed)) == sorted(map(str, held))
        if is_merged:
            certain = {id_ for id_, values in self.told.items() if None not in values}
            assert certain <= set(listed)
        if self.world.lists == "merge":
            assert listed == sorted(listed, key=lambda id_: (isinstance(id_, str), id_))

    # What happens to the gateway and the sides

    @rule(percent=_PERCENTS, unknown=_SIDES, looks_again=st.booleans(), lists=_LISTS)
    def flip(self, percent: str, unknown: str, lists: str, looks_again: bool) -> None:
        """Another routes.yaml."""
        self.world.flip(percent=percent, unknown=unknown, lists=lists, looks_again=looks_again)

    @rule()
    def restart_the_gateway(self) -> None:
        """It keeps nothing that it could forget."""
        self._run(self.world.kill_gateway())
        self._run(self.world.start_gateway())

    @rule(side=_SIDES)
    def kill_or_start(self, side: str) -> None:
        """A side dies, or comes back with all that it had."""
        shelf = self.world.shelves[side]
        self._run(shelf.die() if shelf.is_up else shelf.start())

    @invariant()
    def no_two_sides_change_one_thing(self) -> None:
        """Not even by trying: a change reaches the side that made the thing, or nobody."""
        if hasattr(self, "world"):
            for name, shelf in self.world.shelves.items():
                assert {self.scheme.owner(id_) for id_ in shelf.changed} <= {name}

    # How it is done

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def _ask(self, method: str, target: str, **more: Any) -> Answer | None:
        return self._run(self.world.ask(method, target, **more))

    def _meet(self, side: str, fate: Fate) -> None:
        self.world.shelves[side].fate = fate

    def _pick(self, number: int) -> Id:
        return sorted(self.told, key=str)[number % len(self.told)]

    def _target(self, id_: Id, spelling: str) -> str:
        return "/images/" + (spelling.format(id_) if isinstance(id_, int) else id_)

    def _is_down(self, side: str | None) -> bool:
        """Whether a side is; None asks for any of them."""
        shelves = self.world.shelves.values()
        return any(not shelf.is_up for shelf in shelves if side in {shelf.name, None})

    def _settle(self, id_: Id, spelling: str, fate: Fate, answer: Answer | None) -> bool:
        """Whether the thing was found; it has to be, if its side is up and reads the spelling."""
        shelf = self.world.shelves[self.scheme.owner(id_)]
        shelf.fate = Fate.WELL
        assert answer is not None
        if not shelf.is_up or fate is not Fate.WELL:
            assert answer.status in _UNAVAILABLE
            return False
        is_found = answer.status == 200 and b'"error"' not in answer.body
        is_read = spelling in {"{}", "0{}", "00{}"} or isinstance(id_, str)
        if (is_read or shelf.name == "legacy") and None not in self.told[id_]:
            assert is_found, (answer, spelling)
        return is_found

    def _value(self) -> str:
        self.values += 1
        return self._last_value()

    def _last_value(self) -> str:
        return f"value {self.values}"


class WithNumbers(AnyHistory):
    """Both sides count."""

    scheme = NUMBERS


class WithPrefixes(AnyHistory):
    """The new side's ids are text."""

    scheme = PREFIXES


_EFFORT = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestWithNumbers = WithNumbers.TestCase
TestWithNumbers.settings = _EFFORT
TestWithPrefixes = WithPrefixes.TestCase
TestWithPrefixes.settings = _EFFORT
