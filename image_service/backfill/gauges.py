"""What ``/metrics`` says of the import."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Gauge

from image_service.backfill.watermark import Mark


class ImportGauges:
    """Numbers of the import, of all processes: they come from the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._behind = Gauge(
            "figueira_images_import_events_behind",
            "Events of the monolith's change feed that are known and not taken in.",
            registry=registry,
        )
        self._lag = Gauge(
            "figueira_images_import_lag_seconds",
            "How old the imported images may be; NaN before all of them were here once.",
            registry=registry,
        )
        self._position = Gauge(
            "figueira_images_import_position",
            "The position in the change feed up to which all is taken in; 0 without an import.",
            registry=registry,
        )
        self._complete_id = Gauge(
            "figueira_images_import_complete_id",
            "Every image of the monolith up to this id is here.",
            registry=registry,
        )

    def set(self, mark: Mark) -> None:
        """Note where the import stands."""
        progress = mark.progress
        lag_s = None if progress is None else progress.lag_s(mark.now)
        self._behind.set(0 if progress is None else progress.behind)
        self._lag.set(math.nan if lag_s is None else lag_s)
        self._position.set(0 if progress is None else progress.position)
        self._complete_id.set(mark.image_id)
