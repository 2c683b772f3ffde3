"""CA files that routes.yaml names: they change, break and come back, and it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from gateway.control.reload import Reloader
from tests.support import flippable
from tests.support.counted import AT
from tests.support.flippable import BAD
from tests.support.numbering import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good routes.yaml."""
    return flippable.write(tmp_path)


@pytest.fixture
def database() -> Database:
    """A database that works."""
    return Database()


@pytest.fixture
def reloader(path: Path, database: Database) -> Reloader:
    """A reloader that has not looked yet."""
    return Reloader(path, database, {}, lambda: AT)


@pytest.fixture
def ca(path: Path) -> Path:
    """A CA file that the routes.yaml names."""
    ca = path.with_name("ca.pem")
    _write_authority(ca)
    old = 'legacy: {url: "http://127.0.0.1:1"}'
    new = 'legacy: {url: "https://127.0.0.1:1", tls: {ca: ca.pem}}'
    path.write_text(path.read_text().replace(old, new))
    return ca


def _write_authority(ca: Path) -> str:
    """A new one."""
    pem = trustme.CA().cert_pem.bytes().decode()
    ca.write_text(pem)
    return pem


def _break(ca: Path, fault: str) -> None:
    if fault == "bad":
        ca.write_text(BAD)
    else:
        ca.unlink()


def _trusted(reloader: Reloader) -> str:
    """The certificates that serve."""
    assert reloader.current is not None
    tls = reloader.current.snapshot.backends[0].tls
    assert tls is not None
    return tls.ca


async def test_a_changed_ca_file_is_taken_in_though_routes_yaml_is_the_same(
    reloader: Reloader, ca: Path, database: Database
) -> None:
    """It serves under the number that it has: the history keeps the text of routes.yaml."""
    await reloader.look()
    rotated = _write_authority(ca)
    look = await reloader.look()
    assert look.accepted is not None
    assert look.accepted.accepted.revision == 1
    assert _trusted(reloader) == rotated
    assert (await reloader.look()).accepted is None
    assert len(database.kept) == 1


@pytest.mark.parametrize("fault", ["bad", "deleted"])
async def test_a_ca_file_that_breaks_is_told_once_and_changes_nothing(
    reloader: Reloader, ca: Path, fault: str
) -> None:
    await reloader.look()
    good = _trusted(reloader)
    _break(ca, fault)
    (problem,) = (await reloader.look()).problems
    assert (problem.line, problem.path) == (3, "backends.legacy.tls.ca")
    assert not (await reloader.look()).problems
    assert _trusted(reloader) == good
    _write_authority(ca)
    assert not (await reloader.look()).problems
    assert reloader.last is not None
    assert not reloader.last.problems


async def test_a_file_refused_for_its_missing_ca_is_accepted_once_that_is_there(
    reloader: Reloader, ca: Path
) -> None:
    _break(ca, "deleted")
    assert (await reloader.look()).problems
    _write_authority(ca)
    assert (await reloader.look()).accepted is not None
