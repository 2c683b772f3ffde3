"""All metrics as Prometheus reads them; its objects exist only while a scrape is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.exposition import generate_latest as write_plain
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as write_openmetrics
from prometheus_client.registry import Collector

from gateway.telemetry.counters import Counters
from gateway.telemetry.metric import Facts, HistogramMetric, NumberMetric
from gateway.telemetry.metrics import METRICS


@dataclass(frozen=True, slots=True)
class _Scrape(Collector):
    """What one scrape is answered with."""

    counters: Counters
    facts: Facts

    def collect(self) -> Iterator[Metric]:
        """Every metric of the table, in its order."""
        for metric in METRICS:
            if isinstance(metric, HistogramMetric):
                yield self._histogram(metric)
            else:
                yield self._numbers(metric)

    def _histogram(self, metric: HistogramMetric) -> Metric:
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, buckets, sum_value in metric.read(self.counters, self.facts):
            family.add_metric(labels, buckets, sum_value)
        return family

    def _numbers(self, metric: NumberMetric) -> Metric:
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=metric.labels)
        for labels, value in metric.read(self.counters, self.facts):
            family.add_metric(labels, value)
        return family


def render(counters: Counters, facts: Facts, accept: str) -> tuple[bytes, str]:
    """The exposition and its Content-Type.

    Args:
        counters: The sum of all workers' counters.
        facts: What control knows beside them.
        accept: The scraper's Accept header. OpenMetrics 1.0 is written if it is named there,
            else the plain text format 0.0.4, which every scraper reads.
    """
    scrape = _Scrape(counters, facts)
    # Not the library's own negotiation: that writes words of the header into the answer's.
    media_types = {offer.partition(";")[0].strip().lower() for offer in accept.split(",")}
    if "application/openmetrics-text" in media_types:
        body: bytes = write_openmetrics(scrape)  # type: ignore[no-untyped-call] # of the library
        return body, CONTENT_TYPE_LATEST
    return write_plain(scrape), CONTENT_TYPE_PLAIN_0_0_4
