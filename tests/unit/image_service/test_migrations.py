"""The history of the tables."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import image_service.jobs.rows
import image_service.ledger.rows
from image_service.migrations import HEAD
from image_service.models import Base


def test_the_newest_step_is_the_one_that_starts_look_for() -> None:
    config = Config()
    config.set_main_option("script_location", "image_service:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_steps_make_the_tables_that_the_code_describes(empty_database: Path) -> None:
    assert image_service.jobs.rows.JobRow.metadata is Base.metadata
    assert image_service.ledger.rows.AccountRow.metadata is Base.metadata
    engine = create_engine(f"sqlite:///{empty_database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
