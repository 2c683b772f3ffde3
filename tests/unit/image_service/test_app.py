"""Starting and importing the application."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from image_service.app import create_app
from image_service.blobs.place import FolderPlace
from image_service.errors import StartupError
from image_service.settings import Settings


def test_importing_the_application_does_nothing(tmp_path: Path) -> None:
    """No OpenAI SDK (1.7 s), no setting, no file."""
    root = Path(__file__).parents[3]
    code = "import sys; import image_service.app; print('openai' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "IMAGE_PORT": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert list(tmp_path.iterdir()) == []


async def test_settings_are_read_when_the_lifespan_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    monkeypatch.setenv("IMAGE_PORT", "nonsense")
    with pytest.raises(StartupError, match="IMAGE_PORT: 'nonsense'"):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")


async def test_a_file_that_is_no_database_is_named(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "data" / "images.db"
    path.write_bytes(b"this is not a database at all" * 100)
    app = create_app(settings)
    with pytest.raises(StartupError, match=r"images\.db.*file is not a database"):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")


async def test_a_blob_folder_that_cannot_be_written_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    app = create_app(replace(settings, blob_place=FolderPlace(folder=tmp_path / "file" / "blobs")))
    with pytest.raises(StartupError, match=r"file/blobs.*Not a directory"):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")
