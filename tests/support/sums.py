"""What a running gateway, its metrics and its database say of one parallel run, side by side."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.figueira import Figueira, run
from tests.support.polling import eventually

RUN = "trial"


@dataclass(frozen=True, slots=True)
class Sums:
    """One balance sheet; that it sums has been looked at."""

    eligible: int
    pending: int
    classes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Look."""
        assert self.classes.total() + self.pending == self.eligible, self


def of_metrics(figueira: Figueira) -> Sums:
    """What ``/metrics`` says: since the gateway began."""
    samples = figueira.samples()
    classes: Counter[str] = Counter()
    for name, value in samples.items():
        if found := re.fullmatch(rf'figueira_trials_total\{{class="(\w+)",run="{RUN}"\}}', name):
            classes[found[1]] = int(value)
    return Sums(
        int(samples[f'figueira_trials_eligible_total{{run="{RUN}"}}']),
        int(samples[f'figueira_trials_pending{{run="{RUN}"}}']),
        +classes,
    )


def of_report(folder: Path) -> Sums:
    """What ``figueira report --json`` says, of all epochs together."""
    url = f"sqlite+aiosqlite:///{folder}/state/figueira.db"
    classes: Counter[str] = Counter()
    pending = number = 0
    while True:
        number += 1
        told = run(
            "report",
            RUN,
            "--json",
            "--epoch",
            str(number),
            folder=folder,
            FIGUEIRA_DATABASE_URL=url,
        )
        if not told.stdout:
            return Sums(classes.total() + pending, pending, classes)
        balance = json.loads(told.stdout)["balance"]
        pending = balance["pending"]
        classes.update(balance["classes"])


def written(figueira: Figueira, folder: Path, requests: int) -> Sums:
    """The report, once it knows of all that the metrics know of: so many requests, all ended."""

    def look() -> Sums | None:
        now = of_metrics(figueira)
        if now.pending or now.eligible < requests:
            return None
        answer = figueira.admin.get("/api/runs")
        assert answer.status_code == 200, answer.text
        for told in answer.json()["runs"]:
            balance = told["balance"]
            Sums(balance["eligible"], balance["pending"], Counter(balance["classes"]))
            if balance["pending"]:
                return None
        found = of_report(folder)
        return found if not found.pending and found.eligible >= requests else None

    return eventually(look, f"{requests} requests have ended and are written", patience_s=40)
