"""``parallel_runs`` as it is written: its keys, their types and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from gateway.config import protection, trials, units
from gateway.config.outside import NOTHING_SET, Outside
from gateway.config.secret import secret
from gateway.config.strict import Spec, written
from gateway.config.wording import Refusal
from gateway.parallel_run.plan import (
    Budget,
    Kept,
    Normaliser,
    ParallelRun,
    Pictures,
    ReadyWhen,
    Rules,
    Writes,
)

_RUN = ParallelRun(name="", control="", candidate="", sample=0)
_BUDGET, _READY, _PICTURES, _RULES, _KEPT = Budget(), ReadyWhen(), Pictures(), Rules(), Kept()
EVERY = 100_000
"""Buckets: an absent share is all of it, as in the Gateway API."""


def _environment(info: ValidationInfo) -> Mapping[str, str]:
    return info.context.environment if isinstance(info.context, Outside) else NOTHING_SET


def _header_value(value: object, info: ValidationInfo) -> str:
    return trials.header_value(value, _environment(info))


def _secret(value: object, info: ValidationInfo) -> str:
    return secret(value, _environment(info), example="${IMAGE_GATEWAY_SECRET}")


_Text = Annotated[str, PlainValidator(units.text)]
_Json = Annotated[str, PlainValidator(trials.json_place)]
_Html = Annotated[str, PlainValidator(trials.html_place)]
_Header = Annotated[str, PlainValidator(units.token)]
_Because = Annotated[str, PlainValidator(trials.because)]
_Until = Annotated[str, PlainValidator(trials.until)]
_Share = Annotated[int, PlainValidator(trials.share_buckets)]
_SetHeaders = Annotated[
    dict[
        Annotated[str, PlainValidator(trials.header_name)],
        Annotated[str, PlainValidator(_header_value)],
    ],
    Field(min_length=1),
]


def _exactly_one(spec: Spec, *keys: str) -> None:
    if sum(bool(getattr(spec, key)) for key in keys) != 1:
        raise Refusal(
            f"needs exactly one of {', '.join(keys[:-1])} and {keys[-1]}".replace("_", "")
        )


class IgnoreSpec(Spec):
    """One of ``ignore``: a difference that does not matter."""

    json_: _Json = Field(default="", alias="json")
    html: _Html = ""
    header: _Header = ""
    because: _Because
    until: _Until

    @model_validator(mode="after")
    def _one_place(self) -> IgnoreSpec:
        _exactly_one(self, "json_", "html", "header")
        return self


class NormaliseSpec(Spec):
    """One of ``normalise``: values that only have to be of one form."""

    json_: _Json = Field(default="", alias="json")
    header: _Header = ""
    to: Annotated[Normaliser, PlainValidator(trials.normaliser)]

    @model_validator(mode="after")
    def _one_place(self) -> NormaliseSpec:
        _exactly_one(self, "json_", "header")
        return self


class TolerateSpec(Spec):
    """One of ``tolerate``: numbers that may differ a little."""

    json_: _Json = Field(default="", alias="json")
    header: _Header = ""
    absolute: Annotated[float | None, PlainValidator(trials.absolute)] = None
    relative: Annotated[float | None, PlainValidator(trials.rate)] = None

    @model_validator(mode="after")
    def _one_place(self) -> TolerateSpec:
        _exactly_one(self, "json_", "header")
        if self.absolute is None and self.relative is None:
            raise Refusal("needs absolute or relative", "say how far numbers may be apart")
        return self


class StatusPairSpec(Spec):
    """One of ``same_status``: two statuses that are one answer."""

    control: Annotated[int, PlainValidator(protection.final_status)]
    candidate: Annotated[int, PlainValidator(protection.final_status)]


class PicturesSpec(Spec):
    """``images``: what is asked of pictures beyond their contract."""

    compare: Annotated[trials.Looks, PlainValidator(trials.looks)] = _PICTURES.compare
    distance: Annotated[float, PlainValidator(trials.distance)] = _PICTURES.distance


class ExamplesSpec(Spec):
    """``examples``: what examples of differences may show as it is; all else is redacted."""

    plain: Annotated[list[_Text], Field(min_length=1)] = []
    pictures: Annotated[bool, PlainValidator(trials.truth)] = _KEPT.pictures


class BudgetSpec(Spec):
    """``budget``: what trials may take."""

    per_second: Annotated[float | None, PlainValidator(trials.per_second)] = _BUDGET.per_second
    per_day: Annotated[int | None, PlainValidator(trials.per_day)] = _BUDGET.per_day
    in_flight: Annotated[int, PlainValidator(trials.in_flight)] = _BUDGET.in_flight


class SetHeadersSpec(Spec):
    """``request_headers``: what is set on the requests of trials, by side."""

    control: _SetHeaders = {}
    candidate: _SetHeaders = {}


class BuildHealthSpec(Spec):
    """``build_health``: where the candidate says which build it is."""

    path: Annotated[str, PlainValidator(protection.probe_path)]
    json_: Annotated[str, PlainValidator(protection.json_path)] = Field(alias="json")


class ReadyWhenSpec(Spec):
    """``ready_when``: when the team may cut over."""

    mismatch_rate_below: Annotated[float, PlainValidator(trials.rate)] = _READY.mismatch_rate_below
    confidence: Annotated[float, PlainValidator(trials.confidence)] = _READY.confidence
    max_uncompared: Annotated[float, PlainValidator(trials.part)] = _READY.max_uncompared
    unproved_share: Annotated[float, PlainValidator(trials.part)] = _READY.unproved_share
    max_latency_ratio: Annotated[float | None, PlainValidator(trials.ratio)] = (
        _READY.max_latency_ratio
    )


class ParallelRunSpec(Spec):
    """``parallel_runs.NAME``."""

    control: _Text
    candidate: _Text
    sample: _Share = EVERY
    writes: Annotated[Writes, PlainValidator(trials.writes)] = _RUN.writes
    reverse: Annotated[bool, PlainValidator(trials.truth)] = _RUN.is_reversed
    budget: Annotated[BudgetSpec, BeforeValidator(written)] = BudgetSpec()
    headers: Annotated[list[_Header], Field(min_length=1)] = list(_RULES.headers)
    ignore: Annotated[list[IgnoreSpec], Field(min_length=1)] = []
    normalise: Annotated[list[NormaliseSpec], Field(min_length=1)] = []
    tolerate: Annotated[list[TolerateSpec], Field(min_length=1)] = []
    unordered: Annotated[list[_Json], Field(min_length=1)] = []
    same_status: Annotated[list[StatusPairSpec], Field(min_length=1)] = []
    images: Annotated[PicturesSpec, BeforeValidator(written)] = PicturesSpec()
    second_control: Annotated[str | None, PlainValidator(units.text)] = None
    noise_sample: Annotated[int | None, PlainValidator(trials.share_buckets)] = None
    request_headers: Annotated[SetHeadersSpec, BeforeValidator(written)] = SetHeadersSpec()
    mark_secret: Annotated[str, PlainValidator(_secret)] = ""
    build_header: Annotated[str | None, PlainValidator(units.token)] = None
    build_health: BuildHealthSpec | None = None
    watermark: Annotated[str | None, PlainValidator(protection.probe_path)] = None
    examples: Annotated[ExamplesSpec, BeforeValidator(written)] = ExamplesSpec()
    ready_when: Annotated[ReadyWhenSpec, BeforeValidator(written)] = ReadyWhenSpec()
