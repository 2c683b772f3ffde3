"""`figueira set`: other weights for a route, written into routes.yaml and in effect on return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.cli.changing import Change, Options, change_file
from gateway.cli.desk import Desk, StoppedError, digest_of, problems_of
from gateway.cli.outcome import show
from gateway.config.edit import Edit, set_weights
from gateway.config.layout import Weight
from gateway.config.scalars import read_plain
from gateway.config.units import weight
from gateway.config.wording import Refusal
from gateway.errors import ConfigError


def read_asked(written: Sequence[str]) -> dict[str, Weight]:
    """``BACKEND=PERCENT`` each; a percent sign may follow, and ``rest`` may stand for a number.

    Raises:
        ValueError: One is not.
    """
    asked: dict[str, Weight] = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r} is no BACKEND=PERCENT: write image_service=25")
        if name in asked:
            raise ValueError(f"{name} is named twice")
        try:
            asked[name] = weight(read_plain(value.removesuffix("%")))
        except Refusal as refusal:
            raise ValueError(f"{name}: {refusal.message}") from refusal
    return asked


def set_(
    route: str,
    asked: Mapping[str, Weight],
    options: Options,
    *,
    written: Sequence[str],
    as_json: bool,
) -> int:
    """Give a route other weights; `force` lets ``safety`` pass them whatever they move.

    Args:
        route: Its name.
        asked: The weights.
        options: Where, and whether.
        written: How they were asked for, for the history.
        as_json: Whether to print one JSON object.

    Returns:
        The exit code, as `gateway.cli.outcome` has it.

    Raises:
        ValueError: `options.admin` is no URL.
    """
    how = " ".join(["set", route, *written, *(["--force"] if options.force else [])])
    outcome = change_file(options, lambda desk, _: _change(desk, route, asked, how=how))
    return show(outcome, as_json=as_json)


def _change(desk: Desk, route: str, asked: Mapping[str, Weight], *, how: str) -> Change:
    if desk.text is None:
        serves = desk.running is not None
        way_out = "figueira undo writes back what serves" if serves else "name it with --config"
        raise StoppedError(f"there is no file {desk.file}", way_out)
    if desk.running is not None and desk.running.problems:
        raise StoppedError(
            f"the gateway refuses the file as it is, and revision {desk.running.revision} serves",
            "mend it, or: figueira undo",
            desk.running.problems,
        )
    edit = set_weights(desk.text, route, asked)
    _check(desk, desk.text, edit)
    return Change(
        text=edit.text,
        served=desk.text,
        how=how,
        by_hand=tuple(map(str, edit.replacements)),
        unchanged=f"{route} has these weights already; nothing to change",
    )


def _check(desk: Desk, old: bytes, edit: Edit) -> None:
    """See that the edit brings no problem in.

    What is wrong here and not for the gateway (it has variables and files that this command has
    not) was wrong before the edit, and does not count where the gateway serves that very text.
    """
    problems = problems_of(old, desk.file)
    if problems and (desk.running is None or desk.running.digest != digest_of(old)):
        raise ConfigError(problems)
    known = {(problem.path, problem.message) for problem in problems}
    new = [
        problem
        for problem in problems_of(edit.text, desk.file)
        if (problem.path, problem.message) not in known
    ]
    if new:
        raise ConfigError(new)
