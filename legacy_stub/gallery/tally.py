"""What came of the orders that both sides were asked for; kept in the database for the operator."""

from __future__ import annotations

import threading
from collections import Counter
from enum import Enum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import ImageCheck


class Outcome(Enum):
    """What came of one order."""

    SAME = "same"
    """The image service did as the monolith did."""
    DIFFERENT = "different"
    """It did something else; the log says what."""
    FAILED = "failed"
    """It refused the order, failed, or could not be reached."""
    SHED = "shed"
    """It was not asked: too many orders at once."""


class Tally:
    """The counts."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._later: Counter[Outcome] = Counter()
        self._lock = threading.Lock()

    def add_later(self, outcome: Outcome) -> None:
        """Count without a look at the database; kept with the next one that is added."""
        with self._lock:
            self._later[outcome] += 1

    def add(self, outcome: Outcome) -> None:
        """Count and keep."""
        with self._lock:
            counts, self._later = self._later + Counter([outcome]), Counter()
        with self._sessions.begin() as session:
            for each, orders in counts.items():
                row = update(ImageCheck).where(ImageCheck.outcome == each.value)
                added = session.connection().execute(row.values(orders=ImageCheck.orders + orders))
                if not added.rowcount:
                    session.add(ImageCheck(outcome=each.value, orders=orders))

    def counts(self) -> dict[Outcome, int]:
        """Return how many orders came to each outcome since the last reset."""
        with self._sessions() as session:
            rows = {row.outcome: row.orders for row in session.scalars(select(ImageCheck))}
        return {outcome: rows.get(outcome.value, 0) for outcome in Outcome}

    def reset(self) -> None:
        """Begin anew."""
        with self._sessions.begin() as session:
            session.execute(delete(ImageCheck))
