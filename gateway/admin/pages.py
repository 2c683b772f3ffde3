"""The pages. Each is a GET without effects."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.admin.problem import problem
from gateway.admin.readiness import is_ready, report
from gateway.admin.view import AdminView, Status
from gateway.telemetry.exposition import render
from gateway.telemetry.metric import Facts

_INDEX = """\
/livez /readyz /readyz?verbose  health: is the process up; should it be sent customers
/metrics                        for Prometheus
/api/status                     everything else, as JSON
/api/snapshot                   what requests are decided by, as JSON: routes.yaml, compiled
/api/revisions /api/revisions/N the history of routes.yaml, as JSON
/api/runs /api/runs/NAME        parallel runs: verdict, evidence, differences, as JSON
/api/reload                     POST: look at routes.yaml now
"""


class Pages:
    """The admin port's pages over one gateway."""

    def __init__(self, gateway: AdminView) -> None:
        self._gateway = gateway

    async def index(self, _request: Request) -> Response:
        """What there is to ask for."""
        return PlainTextResponse(_INDEX)

    async def livez(self, _request: Request) -> Response:
        """The process answers; nothing else is looked at, or a restart would be the cure for it."""
        return PlainTextResponse("ok")

    async def readyz(self, request: Request) -> Response:
        """200 if customers should be sent here, else 503 with every check."""
        status = self._gateway.status()
        ready = is_ready(status)
        if ready and "verbose" not in request.query_params:
            return PlainTextResponse("ok")
        return PlainTextResponse(report(status, self._gateway.checks()), 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """The exposition, in the format that the scraper asks for."""
        facts = _facts(self._gateway.status())
        accept = request.headers.get("accept", "")
        body, content_type = render(self._gateway.counters(), facts, accept)
        return Response(body, headers={"Content-Type": content_type})

    async def status(self, _request: Request) -> Response:
        """`Status` as JSON."""
        body = msgspec.json.encode(self._gateway.status())
        return Response(body, media_type="application/json")

    async def snapshot(self, _request: Request) -> Response:
        """The compiled routes.yaml as JSON, for `figueira diff`."""
        snapshot = self._gateway.snapshot()
        if snapshot is None:
            return problem(503, "No routes.yaml has been accepted yet.")
        return Response(msgspec.json.encode(snapshot), media_type="application/json")


def _facts(status: Status) -> Facts:
    bodies = status.trial_bodies
    return Facts(
        revision=status.revision.number if status.revision else 0,
        last_reload_successful=status.config.ok,
        reload_failures=status.config.failures,
        workers=sum(worker.alive for worker in status.workers),
        worker_restarts=sum(worker.restarts for worker in status.workers),
        control_restarts=status.control.restarts,
        uptime_s=status.uptime_s,
        spooled_bytes=bodies.spooled_bytes if bodies else 0,
        spool_limit_bytes=bodies.spool_limit_bytes if bodies else 0,
        trial_bytes=bodies.memory_bytes if bodies else 0,
        spool_refused=bodies.refused if bodies else {},
        weights={route.name: route.backends for route in status.routes},
        certificate_ends_s=status.certificate.not_after.timestamp() if status.certificate else None,
        probed_ill={
            backend.name: {
                each.address: each.probe == "ill" for each in backend.addresses if each.probe
            }
            for backend in status.backends
        },
    )
