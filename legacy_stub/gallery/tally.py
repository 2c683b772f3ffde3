"""What came of the orders that both sides were asked for; kept in the database for the operator."""

from __future__ import annotations

import threading
from collections import Counter
from enum import Enum

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
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
                row = insert(ImageCheck).values(outcome=each.value, orders=orders)
                total = ImageCheck.orders + row.excluded.orders
                session.execute(row.on_conflict_do_update(set_={"orders": total}))

    def counts(self) -> dict[Outcome, int]:
        """Return how many orders came to each outcome since the last reset."""
        with self._sessions() as session:
            rows = {row.outcome: row.orders for row in session.scalars(select(ImageCheck))}
        return {outcome: rows.get(outcome.value, 0) for outcome in Outcome}

    def reset(self) -> None:
        """Begin anew."""
        with self._sessions.begin() as session:
            session.execute(delete(ImageCheck))
