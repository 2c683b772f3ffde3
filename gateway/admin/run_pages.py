"""Parallel runs on the admin port: what they have shown so far. Only to be read."""

from __future__ import annotations

from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.admin.problem import problem
from gateway.errors import GatewayError
from gateway.parallel_run.report import Balance, EpochReport, RunReport

MAX_TOP = 1_000
_TOP = 10
_MAX_EPOCH = 2**31 - 1


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run, in a list."""

    run: str
    state: str
    """``ready``, ``not ready`` or ``insufficient``."""
    reasons: tuple[str, ...]
    epoch: EpochReport
    balance: Balance


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """How what is seen gets into the database, since control was started."""

    written: int
    """Trials."""
    shed: int
    """Trials of which only that is counted, for want of room."""
    examples: int
    without_example: int
    """Differences whose bodies there was no room for."""
    failures: int
    """Transactions that failed."""
    fault: str
    """Why nothing can be written now; empty if it can."""


class RunList(msgspec.Struct, frozen=True, kw_only=True):
    """Every run that anything is known of."""

    runs: tuple[RunLine, ...]
    writing: Writing


class Runs(Protocol):
    """What must be behind these pages. All but `writing` may raise `GatewayError`."""

    def writing(self) -> Writing:
        """How what is seen gets into the database."""

    async def names(self) -> list[str]:
        """Runs that anything is known of."""

    async def report(
        self, run: str, *, epoch: int | None, top: int, with_examples: bool
    ) -> RunReport | None:
        """The report of a run; None if nothing is known of it, or not of that epoch."""


class RunPages:
    """The runs of one gateway."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def routes(self) -> list[Route]:
        """Where they are."""
        return [Route("/api/runs", self.runs), Route("/api/runs/{run}", self.run)]

    async def runs(self, _request: Request) -> Response:
        """`RunList`."""
        try:
            names = await self._runs.names()
            reports = [
                await self._runs.report(each, epoch=None, top=0, with_examples=False)
                for each in names
            ]
        except GatewayError as error:
            return problem(503, str(error))
        lines = tuple(_line(each) for each in reports if each is not None)
        return _json(RunList(runs=lines, writing=self._runs.writing()))

    async def run(self, request: Request) -> Response:
        """`RunReport`; ``?epoch=N&top=N&examples=1`` asks for an earlier one, and for more."""
        query = request.query_params
        epoch, top = _number(query.get("epoch"), _MAX_EPOCH), _number(query.get("top"), MAX_TOP)
        with_examples = query.get("examples", "0")
        if epoch == 0 or top == 0 or with_examples not in {"0", "1"}:
            return problem(
                400, f"epoch and top must be numbers, top {MAX_TOP} at most; examples 0 or 1."
            )
        try:
            found = await self._runs.report(
                request.path_params["run"],
                epoch=epoch,
                top=_TOP if top is None else top,
                with_examples=with_examples == "1",
            )
        except GatewayError as error:
            return problem(503, str(error))
        if found is None:
            return problem(404, "Nothing is known of that run or epoch; /api/runs lists the runs.")
        return _json(found)


def _line(of: RunReport) -> RunLine:
    return RunLine(
        run=of.run, state=of.state, reasons=of.reasons, epoch=of.epoch, balance=of.balance
    )


def _number(text: str | None, most: int) -> int | None:
    """A whole number from 1; None where nothing is given, 0 for what cannot be used."""
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and int(text) <= most else 0


def _json(content: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
