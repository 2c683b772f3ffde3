"""pydantic's errors in an operator's words: one table from error type to sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gateway.config.egress_spec import EgressSideSpec, EgressSpec
from gateway.config.report import Report
from gateway.config.run_spec import (
    BudgetSpec,
    BuildHealthSpec,
    ExamplesSpec,
    IgnoreSpec,
    NormaliseSpec,
    ParallelRunSpec,
    PicturesSpec,
    ReadyWhenSpec,
    SetHeadersSpec,
    StatusPairSpec,
    TolerateSpec,
)
from gateway.config.slips import space_hint
from gateway.config.spec import (
    AccessLogSpec,
    BackendSpec,
    BreakerSpec,
    FallbackSpec,
    FileSpec,
    HealthSpec,
    ListsSpec,
    MatchSpec,
    OwnerSpec,
    RouteSpec,
    SafetySpec,
    SoftErrorSpec,
    StickySpec,
    TimeoutsSpec,
    TlsSpec,
    TrustSpec,
)
from gateway.config.units import MOST_ALTERNATIVES, shown
from gateway.config.wording import Path, Refusal, hint_of, quoted, shorten

_SENTENCES: Final[dict[str, Callable[[object], str]]] = {
    "model_type": lambda value: f"must be a mapping, not {shown(value)}",
    "dict_type": lambda value: f"must be a mapping, not {shown(value)}",
    "list_type": lambda value: f"must be a list, not {shown(value)}",
    "too_short": lambda _: "must not be empty",
    "too_long": lambda _: f"more than {MOST_ALTERNATIVES} of them; write a second match",
}
_MAPPING_TYPES = frozenset({"model_type", "dict_type"})
_FILLED_IN = frozenset({"url", "urls", "pin_secret", "mark_secret", "request_headers", "sides"})
"""Keys in whose values ``${VAR}`` is filled in."""
_EXAMPLES: Final = {
    "version": "add: version: 1",
    "match": "add: match: {path_prefix: /PATH}",
    "max_moved": "add: max_moved: 10%",
}
"""What to write, where one good value is as short as its key."""
_KEY = "[key]"
"""What pydantic ends a loc with when it means the key, not its value."""

_SPECS: Final[dict[tuple[str | int, ...], type[BaseModel]]] = {
    (): FileSpec,
    ("trust",): TrustSpec,
    ("access_log",): AccessLogSpec,
    ("safety",): SafetySpec,
    ("backends",): BackendSpec,
    ("backends", "timeouts"): TimeoutsSpec,
    ("backends", "tls"): TlsSpec,
    ("backends", "health"): HealthSpec,
    ("backends", "breaker"): BreakerSpec,
    ("backends", "soft_errors"): SoftErrorSpec,
    ("backends", "fallback"): FallbackSpec,
    ("routes",): RouteSpec,
    ("routes", "match"): MatchSpec,
    ("routes", "sticky"): StickySpec,
    ("routes", "owner"): OwnerSpec,
    ("egress",): EgressSpec,
    ("parallel_runs",): ParallelRunSpec,
    ("parallel_runs", "budget"): BudgetSpec,
    ("parallel_runs", "ignore"): IgnoreSpec,
    ("parallel_runs", "normalise"): NormaliseSpec,
    ("parallel_runs", "tolerate"): TolerateSpec,
    ("parallel_runs", "same_status"): StatusPairSpec,
    ("parallel_runs", "images"): PicturesSpec,
    ("parallel_runs", "request_headers"): SetHeadersSpec,
    ("parallel_runs", "examples"): ExamplesSpec,
    ("parallel_runs", "ready_when"): ReadyWhenSpec,
    ("parallel_runs", "build_health"): BuildHealthSpec,
}
_DEEPER: Final[dict[tuple[str | int, ...], type[BaseModel]]] = {
    ("routes", "owner", "lists"): ListsSpec,
}
"""By the loc without the names and indexes that stand at every second place."""


def keys_of(spec: type[BaseModel]) -> list[str]:
    """The keys that a mapping may have, as they are written."""
    return [field.alias or name for name, field in spec.model_fields.items()]


def report_errors(errors: Sequence[ErrorDetails], report: Report) -> set[Path]:
    """Report all errors of one validation.

    Returns:
        The keys that were most likely meant by an unknown one: they are not missing, only unread.
    """
    meant: set[Path] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            meant.update(_unknown(error["loc"], report))
        elif error["type"] != "missing":
            _refused(error, report)
    for error in errors:
        if error["type"] == "missing" and error["loc"] not in meant:
            *parent, key = error["loc"]
            hint = _EXAMPLES.get(str(key), "")
            report.within(parent, f"missing key {quoted(str(key))}", hint)
    return meant


def _spec_at(parent: Sequence[str | int]) -> type[BaseModel]:
    if tuple(parent[:2]) == ("egress", "sides"):
        return EgressSideSpec
    return _DEEPER.get((*parent[:3:2], *parent[3:])) or _SPECS[tuple(parent[::2])[:2]]


def _unknown(loc: Sequence[str | int], report: Report) -> Iterator[Path]:
    """Report an unknown key; yields the absent key that it was most likely meant to be."""
    *parent, key = loc
    known = keys_of(_spec_at(parent))
    meant = report.guess.nearest(str(key), known)
    hint = hint_of(meant, known, kind="keys")
    if key == "client_ip" and "cookie" in known:
        hint = "write client_ip alone, as an item of the list: [client_ip]"
    report.at_key(loc, f"unknown key {quoted(str(key))}", hint)
    if meant is not None and (*report.marks.locate(parent), meant) not in report.marks.values:
        yield (*parent, meant)


def _refused(error: ErrorDetails, report: Report) -> None:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Refusal):
        message, hint = cause.message, cause.hint
    else:
        message, hint = _SENTENCES.get(error["type"], _misfit)(error["input"]), ""
    loc, value = error["loc"], error["input"]
    if isinstance(value, str) and "${" in value and not _FILLED_IN.intersection(loc):
        hint = "only URLs, secrets and request_headers have ${...} filled in"
    elif isinstance(value, str) and error["type"] in _MAPPING_TYPES:
        hint = space_hint(value)
    elif isinstance(value, str) and error["type"] == "list_type":
        hint = f"write [{shorten(value)}]"
    say = report.at_key if loc and loc[-1] == _KEY else report.at_value
    say(loc, message, hint)


def _misfit(value: object) -> str:
    return f"{shown(value)} does not fit here"
