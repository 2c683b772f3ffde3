"""What ``/metrics`` says; all names stand here."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from image_service.backfill.gauges import ImportGauges
from image_service.jobs.entries import Entry
from image_service.jobs.reading import Reading
from image_service.ledger.prices import MICRO

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_UNFINISHED = ("queued", "running")


class Meter:
    """Counts what this process does, and asks the database what waits."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._orders = Counter(
            "figueira_images_orders",
            "Orders by what became of them when they came: taken, replayed, or a problem's code.",
            ["answer"],
            registry=self._registry,
        )
        self._finished = Counter(
            "figueira_images_jobs_finished",
            "Jobs that this process ended, by their last state and the reason of a failure.",
            ["state", "code"],
            registry=self._registry,
        )
        self._calls = Counter(
            "figueira_images_provider_calls",
            "Calls by provider and by what became of the money.",
            ["provider", "outcome"],
            registry=self._registry,
        )
        self._cost = Counter(
            "figueira_images_cost_usd",
            "Dollars spent, or counted as spent where nobody can say.",
            ["provider"],
            registry=self._registry,
        )
        self._waited = Histogram(
            "figueira_images_job_wait_seconds",
            "From the order to its first call.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._took = Histogram(
            "figueira_images_job_duration_seconds",
            "From the order to its end.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._trials = Counter(
            "figueira_images_trials",
            "Requests of parallel runs: rehearsed, refused.",
            ["answer"],
            registry=self._registry,
        )
        self._jobs = Gauge(
            "figueira_images_jobs",
            "Unfinished jobs of all processes by state.",
            ["state"],
            registry=self._registry,
        )
        self._oldest = Gauge(
            "figueira_images_oldest_queued_seconds",
            "Age of the job that has waited longest; 0 when none waits.",
            registry=self._registry,
        )
        self.spooled = _spooled(self._registry)
        self._rest = _rest_gauge(self._registry)
        self.imports = ImportGauges(self._registry)

    def ordered(self, answer: str) -> None:
        """Count an order."""
        self._orders.labels(answer).inc()

    def rehearsed(self, answer: str) -> None:
        """Count a trial."""
        self._trials.labels(answer).inc()

    def called(self, entry: Entry, provider: str) -> None:
        """Count a call that is settled, and the job if it has ended."""
        job = entry.job
        if job.attempt is not None:
            self._calls.labels(provider, job.attempt.state).inc()
            self._cost.labels(provider).inc(job.attempt.cost / MICRO)
        self.ended(entry)

    def ended(self, entry: Entry) -> None:
        """Count a job if it has ended."""
        job = entry.job
        if job.finished_at is None:
            return
        self._finished.labels(str(job.state), job.failure or "").inc()
        self._took.observe(max(job.finished_at - entry.created_at, 0.0))
        if job.started_at is not None:
            self._waited.observe(max(job.started_at - entry.created_at, 0.0))

    def rests(self, left_s: float) -> None:
        """Say how much longer the provider is left alone."""
        self._rest.set(left_s)

    async def write(self, reading: Reading, request: Request, *, now: float) -> Response:
        """Answer a scrape."""
        depths, oldest = await reading.depths()
        for state in _UNFINISHED:
            self._jobs.labels(state).set(depths.get(state, 0))
        self._oldest.set(0.0 if oldest is None else max(now - oldest, 0.0))
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"Content-Type": media_type})


def _spooled(registry: CollectorRegistry) -> Gauge:
    return Gauge(
        "figueira_images_spooled_pictures",
        "Pictures that are paid for and that the blob store has not taken yet.",
        registry=registry,
    )


def _rest_gauge(registry: CollectorRegistry) -> Gauge:
    return Gauge(
        "figueira_images_provider_rest_seconds",
        "How much longer the provider is left alone as it fails; 0 while it is asked.",
        registry=registry,
    )
