"""What the weights of a split become when somebody asks for some of them."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.config.layout import Weight
from gateway.config.units import REST, percent
from gateway.config.wording import Guess, Refusal, quoted
from gateway.routing.snapshot import BUCKETS


def new_weights(before: Mapping[str, Weight], asked: Mapping[str, Weight]) -> dict[str, Weight]:
    """The split with the weights that were asked for; backends in the order of `before`.

    A backend that says ``rest`` goes on saying so, also where a number was asked for it: the others
    then have to leave it that number. If exactly one backend with a number is not named, it gets
    what the others leave: of two, naming one is enough.

    Args:
        before: A good split.
        asked: Of some of its backends; in buckets, or ``rest``.

    Raises:
        Refusal: A backend is not in the split, or the weights do not come to 100 percent.
    """
    for name in asked:
        if name not in before:
            hint = Guess().hint(name, before, kind="backends")
            raise Refusal(f"backend {quoted(name)} is not in this split", hint)
    if all(asked[name] == before[name] for name in asked):
        return dict(before)
    after = {**before, **asked}
    rest = _rest(before, asked, after)
    if rest is not None:
        after[rest] = REST
    unnamed = [name for name in before if name not in asked and name != rest]
    _settle(after, unnamed, _wanted(asked, rest))
    return after


def _rest(
    before: Mapping[str, Weight], asked: Mapping[str, Weight], after: Mapping[str, Weight]
) -> str | None:
    """Who says ``rest`` in the end; None if nobody does."""
    new = [name for name, weight in asked.items() if weight == REST]
    old = [name for name, weight in before.items() if weight == REST]
    if len(new) > 1:
        raise Refusal(f"only one backend can be the rest, not {' and '.join(new)}")
    if new and old and new != old and after[old[0]] == REST:
        raise Refusal(f"{old[0]} is the rest already", f"say also what {old[0]} gets")
    return next(iter(new or old), None)


def _wanted(asked: Mapping[str, Weight], rest: str | None) -> int | None:
    """What the numbers have to come to; None where the rest is whatever they leave."""
    number = asked.get(rest, REST) if rest is not None else 0
    return BUCKETS - number if isinstance(number, int) else None


def _settle(after: dict[str, Weight], unnamed: list[str], wanted: int | None) -> None:
    """Make the numbers come to what is wanted, by the one backend that is not named if need be."""
    total = sum(map(_number, after.values()))
    if total == wanted or (wanted is None and total <= BUCKETS):
        return
    goal = BUCKETS if wanted is None else wanted
    if wanted is not None and len(unnamed) == 1:
        left = goal - (total - _number(after[unnamed[0]]))
        if left >= 0:
            after[unnamed[0]] = left
            return
    verb = "gets" if len(unnamed) == 1 else "get"
    hint = f"say also what {' and '.join(unnamed)} {verb}" if unnamed else ""
    # Told as the operator adds up: with what was asked of the rest, to 100.
    sum_told = total + BUCKETS - goal
    relation = "more than" if sum_told > BUCKETS else "not to"
    raise Refusal(f"the weights would come to {percent(sum_told)}, {relation} 100 percent", hint)


def _number(weight: Weight) -> int:
    return 0 if weight == REST else weight
