"""routes.yaml changes, however it is changed, and every worker follows."""

from __future__ import annotations

import signal
from statistics import median

import httpx
import pytest

from tests.e2e.conftest import Figures, Start
from tests.support.figueira import Figueira, pids_of
from tests.support.polling import eventually
from tests.support.routes_file import RoutesFile, Way

pytestmark = pytest.mark.e2e

WAYS: tuple[Way, ...] = (
    RoutesFile.rename_over,
    RoutesFile.write_in_place,
    RoutesFile.swap_symlink,
    RoutesFile.swap_folder,
)

DRAWN = """
version: 1
backends:
  one: {url: "${LEGACY_URL}"}
  other: {url: "${LEGACY_URL}"}
routes:
  - {name: drawn, match: {path_prefix: /drawn}, split: {other: 30, one: rest}}
  - {name: rest, match: {path_prefix: /}, backend: one}
"""


def test_promise_5_a_flip_takes_effect_however_the_file_is_changed(
    start: Start, figures: Figures
) -> None:
    """Renamed over, written in place, swapped as a link or as a folder of a ConfigMap: thrice."""
    latencies_s = []
    with start() as figueira:
        for turn, way in enumerate(WAYS * 3):
            percent = 10 + turn
            flip = figueira.flip(percent, way)
            weights = figueira.status()["routes"][0]["backends"]
            assert weights == {"image_service": percent, "legacy": 100 - percent}
            assert f'backend="image_service",route="images"}}: {percent}.0' in _weights(figueira)
            latencies_s.append(flip.latency_s)
    figures["flip, median ms"] = round(median(latencies_s) * 1000)
    figures["flip, slowest ms"] = round(max(latencies_s) * 1000)


def _weights(figueira: Figueira) -> str:
    return "\n".join(f"{name}: {value}" for name, value in figueira.samples().items())


def test_a_linked_file_in_another_folder_is_watched_too(start: Start) -> None:
    """Nothing changes in the watched folder then: the file itself is looked at each second."""
    with start() as figueira:
        figueira.flip(10, RoutesFile.swap_symlink)
        target = RoutesFile(figueira.routes.path.resolve(), figueira.routes.text)
        figueira.change(lambda _, text: target.rename_over(text), target.flipped(20))
        assert figueira.status()["routes"][0]["backends"]["image_service"] == 20


def test_promise_5_where_nothing_is_sticky_the_draws_follow_the_weight(start: Start) -> None:
    """Six hundred requests at 30 percent: what the other backend gets is within five sigma."""
    count = 600
    with start(DRAWN) as figueira:
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            for _ in range(count):
                assert shop.get("/drawn").status_code == 404
        assert figueira.stop() == 0
        lines = figueira.access_lines()
        assert {line["reason"] for line in lines} == {"draw"}
        assert all((line["bucket"] < 30_000) == (line["backend"] == "other") for line in lines)
        drawn = sum(line["backend"] == "other" for line in lines)
        assert abs(drawn - 0.3 * count) < 5 * (count * 0.3 * 0.7) ** 0.5, drawn


def test_sighup_with_an_unchanged_file_changes_nothing(start: Start) -> None:
    """The file is looked at again, and that is all."""
    with start() as figueira:
        before = figueira.status()
        looked_at = before["config"]["last_try_at"]
        figueira.process.send(signal.SIGHUP)

        def looked() -> bool:
            return bool(figueira.status()["config"]["last_try_at"] != looked_at)

        eventually(looked, "another look at the file")
        after = figueira.status()
        assert (after["revision"], after["workers"]) == (before["revision"], before["workers"])
        assert pids_of(after) == pids_of(before)
        assert len(figueira.events("revision_accepted")) == 1
