"""Plain data -> spec, with every problem of shape reported.

One bad value must not hide what is wrong elsewhere: whatever pydantic refuses is reported, taken
out, and the rest is validated again, so that the checks that follow see all that is sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.document import Document, Value
from gateway.config.outside import Outside
from gateway.config.report import Report
from gateway.config.spec import FileSpec
from gateway.config.translation import report_errors
from gateway.config.wording import Path, plural

ROUTE_LIMIT = 5_000

_ROUNDS = 3
"""Validations: what is written, without what is bad, without what that left incomplete."""

# What stands in for a bad value that must not be missing.
_BACKEND = {"url": "http://placeholder"}
_ROUTE = {"name": "placeholder", "match": {"path_prefix": "/"}, "backend": "placeholder"}
_FILE = {"version": 1, "backends": {"placeholder": _BACKEND}, "routes": [_ROUTE]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A spec of which some parts are stand-ins for what could not be read."""

    spec: FileSpec
    bad: frozenset[Path]
    """Parts reported already, as deep as a route's keys; nothing is known about them."""
    backends: frozenset[str]
    """The names of all backends, of the bad ones too."""
    runs: frozenset[str]
    """The same of parallel runs."""

    def knows(self, *loc: str | int) -> bool:
        """Whether the part at `loc` is as it was written (it may be absent)."""
        return not any(loc[:i] in self.bad for i in range(1, len(loc) + 1))


def draft(document: Document, outside: Outside) -> Draft:
    """Validate the document's shape; changes `document.data` and reports to `document.report`.

    Raises:
        ConfigError: nothing is left to check, as the top is no mapping.
    """
    report, data = document.report, document.data
    names, runs = _names(data, "backends"), _names(data, "parallel_runs")
    bad: set[Path] = set()
    if isinstance(data, dict) and _has_too_many_routes(data, report):
        bad.add(("routes",))
        data["routes"] = cast(Value, deepcopy(_FILE["routes"]))
    for round_ in range(_ROUNDS):
        try:
            spec = FileSpec.model_validate(data, context=outside)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            if round_ == 0:
                bad |= report_errors(errors, report)
            if not isinstance(data, dict):
                break
            bad |= _take_out(data, errors, report)
        else:
            return Draft(spec=spec, bad=frozenset(bad), backends=names, runs=runs)
    report.raise_if_any()
    raise AssertionError("refused without a problem")


def _names(data: Value, key: str) -> frozenset[str]:
    found = data.get(key) if isinstance(data, dict) else None
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _has_too_many_routes(data: dict[str, Value], report: Report) -> bool:
    routes = data.get("routes")
    if not isinstance(routes, list) or len(routes) <= ROUTE_LIMIT:
        return False
    report.at_value(("routes",), f"{plural(len(routes), 'route')}; the limit is {ROUTE_LIMIT:,}")
    return True


def _take_out(data: dict[str, Value], errors: list[ErrorDetails], report: Report) -> set[Path]:
    """Remove unknown keys, then replace or remove every bad part; returns the bad parts."""
    for error in errors:
        if error["type"] == "extra_forbidden":
            _remove(data, report.marks.locate(error["loc"]))
    parts = {_part(error["loc"]) for error in errors if error["type"] != "extra_forbidden"}
    for part in sorted(parts, key=len, reverse=True):
        _replace(data, part)
    return parts


def _part(loc: tuple[str | int, ...]) -> Path:
    """The part of the file that a bad value makes unusable."""
    depth = {"backends": 2, "parallel_runs": 2, "routes": 3}.get(str(loc[0]) if loc else "", 1)
    return tuple(loc[:depth])


def _remove(data: Any, path: Path) -> None:
    for part in path[:-1]:
        data = data[part]
    del data[path[-1]]


def _replace(data: Any, part: Path) -> None:
    match part:
        case ("routes", int(index)):
            data["routes"][index] = deepcopy(_ROUTE)
        case ("routes", int(index), str(key)):
            _stand_in(data["routes"][index], key, _ROUTE if key in {"name", "match"} else {})
        case ("backends", str(name)):
            del data["backends"][name]
            data["backends"].setdefault("placeholder", deepcopy(_BACKEND))
        case ("parallel_runs", str(name)):
            del data["parallel_runs"][name]
            if not data["parallel_runs"]:
                del data["parallel_runs"]
        case (str(key),):
            _stand_in(data, key, _FILE)
        case _:
            pass  # () alone: the top is no mapping, and `draft` has ended


def _stand_in(mapping: dict[str, Any], key: str, stand_ins: Mapping[str, object]) -> None:
    if key in stand_ins:
        mapping[key] = deepcopy(stand_ins[key])
    else:
        mapping.pop(key, None)
