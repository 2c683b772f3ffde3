"""A database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import open_database


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    """Sessions on an empty database."""
    engine = open_database(f"sqlite:///{tmp_path}/legacy.db", connections=3)
    yield sessionmaker(engine)
    engine.dispose()
