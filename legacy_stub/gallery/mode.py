"""Who draws for callers inside the monolith, and where an operator's word on it is kept.

``LEGACY_IMAGES`` says it at the start. What an operator orders afterwards, by the command
``python -m legacy_stub images MODE``, is a row in the database: it holds from the next image on, in
every process on that database, over restarts, and until it is taken back.
"""

from __future__ import annotations

from enum import Enum

from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import Setting

SETTING = "images"


class Mode(Enum):
    """Who draws."""

    LOCAL = "local"
    """The monolith itself."""
    REMOTE = "remote"
    """The image service; what the monolith made before stays with it."""
    BOTH = "both"
    """The monolith; the image service is asked too, and differences are reported."""


class ModeSetting:
    """The mode that holds now.

    Args:
        sessions: Opens a database session.
        otherwise: What holds where no order stands.
    """

    def __init__(self, sessions: sessionmaker[Session], *, otherwise: Mode) -> None:
        self._sessions = sessions
        self.otherwise = otherwise

    def now(self) -> Mode:
        """Return the mode."""
        return self.ordered() or self.otherwise

    def ordered(self) -> Mode | None:
        """Return what was ordered while running; None when nothing was, or it was taken back."""
        with self._sessions() as session:
            row = session.get(Setting, SETTING)
            # written by another version of this program: as good as not written
            known = row is not None and row.value in {mode.value for mode in Mode}
            return Mode(row.value) if row is not None and known else None

    def put(self, mode: Mode | None) -> None:
        """Order a mode, or take the order back with None."""
        with self._sessions.begin() as session:
            row = session.get(Setting, SETTING)
            if mode is not None:
                session.merge(Setting(name=SETTING, value=mode.value))
            elif row is not None:
                session.delete(row)
