"""``POST /images``: the monolith's answer by default, a job for who prefers one.

Without ``Prefer`` the answer is the monolith's, and what went wrong is told in its way. Who says
``Prefer: respond-async`` or ``wait=N`` gets a job and problem documents.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service import request_ids
from image_service.contract import (
    BODY_LIMIT_BYTES,
    MISSING,
    Order,
    parse_order,
    read_body,
)
from image_service.errors import OrderError, PictureError, RequestError
from image_service.jobs.customers import customer_of
from image_service.jobs.documents import (
    document,
    image_of,
    new_document,
    path_of,
    problem_of,
    result_of,
)
from image_service.jobs.entries import Entry
from image_service.jobs.idempotency import Claim, KeyFormError, claim_of, read_key
from image_service.jobs.preferences import (
    DurationError,
    Preference,
    read_cancel_after,
    read_prefer,
)
from image_service.jobs.states import State
from image_service.jobs.timing import HEADER as TIMING
from image_service.jobs.timing import timing_of
from image_service.legacy_style import json_response, page
from image_service.orders import RETRY_AFTER_S, Orders, Receipt, Wish
from image_service.problems import Problem, ProblemError
from image_service.telemetry import Meter
from image_service.trials.marks import HEADER, MarkError, read_mark
from image_service.trials.sandbox import Sandbox

_LOG = logging.getLogger("image_service.ordering")

# What a page says to whoever knows of jobs, by its status.
_CODES = {400: "invalid-json", 413: "too-large", 415: "not-json-type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How orders are answered.

    Attributes:
        compat_wait_s: How long the monolith's answer is waited for before the image is answered
            as it is, ``pendente``; None for as long as it takes, as the monolith has it.
        joins_running: Whether the second request with a key waits for the first, not 409.
        gateway_secret: What trials are signed with; None believes none.
    """

    compat_wait_s: float | None
    joins_running: bool
    gateway_secret: str | None


class Ordering:
    """The handler of new orders."""

    def __init__(
        self,
        *,
        orders: Orders,
        sandbox: Sandbox,
        meter: Meter,
        manners: Manners,
        clock: Callable[[], float],
    ) -> None:
        self._orders = orders
        self._sandbox = sandbox
        self._meter = meter
        self._manners = manners
        self._clock = clock

    async def create(self, request: Request, _image_id: int | None) -> Response:
        """Take an order, and answer when its picture is there, or as the client prefers."""
        prefer = read_prefer(request.headers.getlist("prefer"))
        try:
            is_trial = self.is_trial(request)
            wish = await self._read(request, prefer)
            if is_trial:
                return await self._rehearse(wish, prefer)
            receipt = await self._orders.submit(wish)
            self._meter.ordered("replayed" if receipt.is_replay else "taken")
            return await self._answer(receipt, prefer)
        except OrderError as refusal:
            if not prefer.is_stated:
                return json_response({"error": refusal.sentence})
            return Problem(code="invalid-request", detail=refusal.sentence).response()
        except RequestError as refusal:
            if not prefer.is_stated:
                raise
            return Problem(code=_CODES[refusal.status], detail=refusal.reason).response()
        except ProblemError as error:
            self._meter.ordered(error.problem.code)
            return error.problem.response()

    def is_trial(self, request: Request) -> bool:
        """Whether the request belongs to a parallel run, and must leave nothing behind.

        Raises:
            ProblemError: It says so, and is not believed.
        """
        marks = request.headers.getlist(HEADER)
        if not marks:
            return False
        try:
            read_mark(marks, secret=self._manners.gateway_secret, now=self._clock())
        except MarkError as error:
            _LOG.warning("trial_not_believed reason=%r", str(error))
            self._meter.rehearsed("refused")
            raise ProblemError(Problem(code="trial-not-believed")) from error
        return True

    async def _read(self, request: Request, prefer: Preference) -> Wish:
        """Read the order and its circumstances.

        Who knows of jobs is not the monolith's customer, and has JSON that means one thing alone.

        Raises:
            RequestError: The body is not JSON, or too long.
            OrderError: It is no order.
            ProblemError: A header cannot be understood.
        """
        body = await _read_body(request)
        value = read_body(request.headers.get("content-type", ""), body, is_strict=prefer.is_stated)
        order: Order = parse_order(value)
        customer = customer_of(
            headers=request.headers,
            cookies=request.cookies,
            address=request.client.host if request.client else None,
        )
        return Wish(
            order=order,
            customer=customer,
            claim=_claim(request, customer, body),
            cancel_after_s=_cancel_after(request),
            wants_partials=_wants_partials(value),
            traceparent=request.headers.get("traceparent", "")[:80] or None,
            request_id=request_ids.CURRENT.get() or None,
            is_held=not prefer.is_stated and self._manners.compat_wait_s is None,
        )

    async def _answer(self, receipt: Receipt, prefer: Preference) -> Response:
        if not receipt.is_replay and prefer.hold_s == 0:
            return _accepted(new_document(receipt.job_id, receipt.image_id), prefer)
        response = await self._wait(receipt, prefer)
        if receipt.is_replay:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    async def _wait(self, receipt: Receipt, prefer: Preference) -> Response:
        hold_s = prefer.hold_s if prefer.is_stated else self._manners.compat_wait_s
        # Who is content with a job has had an answer that can be given again.
        is_refused_while_running = receipt.is_replay and not (
            prefer.is_async or self._manners.joins_running
        )
        entry = await self._orders.wait(
            receipt.job_id,
            is_new=not receipt.is_replay,
            gives_up=True,
            timeout_s=0 if is_refused_while_running else hold_s,
        )
        is_held = not prefer.is_stated and self._manners.compat_wait_s is None
        if is_held and entry is not None and self._orders.is_in_vain(entry):
            return await self._give_up(receipt, entry, prefer)
        if entry is None:
            raise ProblemError(Problem(code="internal"))
        if entry.job.is_final:
            response = finished(entry, prefer)
            if not receipt.is_replay:
                response.headers[TIMING] = str(timing_of(entry))
            return response
        if is_refused_while_running:
            more: dict[str, object] = {"job": path_of(receipt.job_id)}
            raise ProblemError(
                Problem(code="idempotency-conflict", retry_after_s=RETRY_AFTER_S, more=more)
            )
        if prefer.is_stated:
            pause = self._orders.pause(entry)
            said = document(entry, position=None, pause=pause)
            return _accepted(said, prefer, self._orders.retry_after_s(pause))
        if self._manners.compat_wait_s is not None:
            return json_response(image_of(entry))
        # Only the service's end wakes who waits for ever. The order is kept.
        response = page(503)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response

    async def _give_up(self, receipt: Receipt, entry: Entry, prefer: Preference) -> Response:
        """Answer who waits for a picture that cannot be made soon: nothing is bought."""
        after = await self._orders.withdraw(entry.job.job_id)
        if after is None or not after.job.is_final:
            # It was begun in this moment.
            return await self._wait(receipt, prefer)
        if after.job.failure != "provider-unavailable":
            return finished(after, prefer)
        # Not the order has failed: it came at a bad time.
        response = page(503)
        response.headers["Retry-After"] = str(max(math.ceil(after.job.retry_after_s or 0), 1))
        return response

    async def _rehearse(self, wish: Wish, prefer: Preference) -> Response:
        try:
            entry = await self._sandbox.rehearse(wish)
        except PictureError as error:
            # As an order whose picture fails is answered; the gateway says why it gave none.
            _LOG.warning("trial_without_picture reason=%r", error.reason)
            self._meter.rehearsed("failed")
            return page(500)
        self._meter.rehearsed("rehearsed")
        if prefer.hold_s == 0:
            return _accepted(new_document(entry.job.job_id, entry.image_id), prefer)
        return finished(entry, prefer)


def finished(entry: Entry, prefer: Preference) -> Response:
    """Answer a finished order in the way that is preferred."""
    if entry.job.state is State.SUCCEEDED:
        response = json_response(image_of(entry) or result_of(entry))
        response.headers["X-Image-Provider"] = entry.job.painted_by or ""
        if prefer.applied:
            response.headers["Preference-Applied"] = prefer.applied
        return response
    if prefer.is_stated:
        return problem_of(entry).response()
    return json_response(MISSING) if entry.job.failure == "gone" else page(500)


def _accepted(
    said: dict[str, object], prefer: Preference, retry_after_s: int = RETRY_AFTER_S
) -> Response:
    headers = {
        "Location": path_of(str(said["id"])),
        "Retry-After": str(retry_after_s),
        "Preference-Applied": prefer.applied,
        "Cache-Control": "no-store",
    }
    return JSONResponse(said, 202, headers)


def _claim(request: Request, customer: str, body: bytes) -> Claim | None:
    try:
        key = read_key(request.headers.getlist("idempotency-key"))
    except KeyFormError as error:
        detail = "Idempotency-Key is not one string of 1 to 255 characters."
        raise ProblemError(Problem(code="invalid-header", detail=detail)) from error
    if key is None:
        return None
    asked = f"{request.method} {request.url.path}\n".encode() + body
    return claim_of(customer=customer, key=key, request=asked)


def _cancel_after(request: Request) -> int | None:
    try:
        return read_cancel_after(request.headers.get("cancel-after"))
    except DurationError as error:
        detail = "Cancel-After is no duration such as 60, 90s, 5m or 1h."
        raise ProblemError(Problem(code="invalid-header", detail=detail)) from error


def _wants_partials(value: object) -> bool:
    asked = value.get("partial_images") if isinstance(value, dict) else None
    return isinstance(asked, int) and asked > 0


async def _read_body(request: Request) -> bytes:
    """Read the body, at most as much as an order may have.

    Raises:
        RequestError: 413 when it is longer.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            raise RequestError(413)
    return bytes(body)
