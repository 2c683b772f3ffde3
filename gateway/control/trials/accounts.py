"""The balance sheets of all runs: what workers have ended, what control has, what is lost.

A worker counts what it ends itself, and what it has handed over; control counts what it ends. As
messages of one worker come in order, whatever it says that it has handed over has come here, or
went to a control that is gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from gateway.parallel_run.classes import Sheet, TrialClass
from gateway.proxy.captured import OFFERED


class Accounts:
    """What control knows of the trials of every run."""

    def __init__(self, before: Mapping[str, Mapping[str, int]]) -> None:
        """Go on from what the control before has ended."""
        self._ended: dict[str, Counter[str]] = defaultdict(Counter)
        self._received: Counter[str] = Counter()
        self._earlier: Counter[str] = Counter()
        """Handed over to controls that are gone."""
        self._ended_earlier: Counter[str] = Counter()
        for run, counts in before.items():
            self._ended[run].update(counts)
            self._ended_earlier[run] = sum(counts.values())

    def receive(self, run: str) -> None:
        """Note a trial that was handed over to this control."""
        self._received[run] += 1

    def end(self, run: str, became: TrialClass) -> None:
        """Note what became of one."""
        self._ended[run][became.value] += 1

    def handed_over_before(self, offered: Mapping[str, int]) -> None:
        """Note what a worker has handed over before it could reach this control."""
        self._earlier.update(offered)

    def ended(self) -> dict[str, dict[str, int]]:
        """What the next control has to know."""
        found = {run: dict(counts) for run, counts in self._ended.items()}
        for run in self._earlier:
            found.setdefault(run, {})
            if lost := self._lost(run):
                found[run][TrialClass.LOST.value] = found[run].get(TrialClass.LOST.value, 0) + lost
        return found

    def sheets(self, workers: Mapping[str, Mapping[str, int]]) -> dict[str, Sheet]:
        """The balance sheet of every run.

        Args:
            workers: Run -> what all workers have ended and handed over, those gone included.
        """
        runs = dict.fromkeys([*workers, *self._received, *self._earlier, *self._ended])
        return {run: self._sheet(run, workers.get(run, {})) for run in runs}

    def _lost(self, run: str) -> int:
        return max(self._earlier[run] - self._ended_earlier[run], 0)

    def _sheet(self, run: str, of_workers: Mapping[str, int]) -> Sheet:
        here = {name: count for name, count in of_workers.items() if name != OFFERED}
        counts = Counter(here)
        counts.update(self._ended[run])
        counts[TrialClass.LOST.value] += self._lost(run)
        # A control that has died may have ended more than its workers could report.
        offered = max(self._earlier[run], self._ended_earlier[run]) + self._received[run]
        sheet = Sheet()
        by_class = {TrialClass(name): count for name, count in counts.items()}
        sheet.add(sum(here.values()) + offered, by_class)
        return sheet
